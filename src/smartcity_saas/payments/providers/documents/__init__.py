"""What providers add to documents, a file each: read without what moves money."""
