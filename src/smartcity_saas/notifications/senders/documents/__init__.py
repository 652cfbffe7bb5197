"""What senders add to documents, a file each: read without what sends."""
