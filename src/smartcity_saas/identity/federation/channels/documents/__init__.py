"""What channels add to documents, a file each: read without what signs anybody in."""
