"""What a shell's hook asks and gets, and how it is rendered and launched."""
