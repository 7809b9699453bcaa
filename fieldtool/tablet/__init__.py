"""One tablet in one realm: everything a screen or command needs of it, without Qt."""
