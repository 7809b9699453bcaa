"""The office side: enrolment, push, pull, blobs, decisions, the board, and the service that offers them."""
