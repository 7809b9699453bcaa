"""One order being worked on: the procedure's engine joined to journal, meters, photos and place.

`ProcedureRun` is what screens and the command line hold; the rest of the folder serves it.
"""

from fieldtool.run.run import ProcedureRun
from fieldtool.run.surroundings import IssuedRecord, Surroundings

__all__ = ["IssuedRecord", "ProcedureRun", "Surroundings"]
