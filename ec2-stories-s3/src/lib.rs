//! Objects, tuples and image uploads on S3, and plain HTTP for any web site.
