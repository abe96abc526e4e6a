"""Raw readers: tables, vectors, rasters, and the sample city. The only stage that may go online.

Every reader returns WGS84 degrees or the CRS that the layer declares, and reports problems by file, row and column.
"""
