"""What a command found, in the forms that other tools read: `--format`."""
