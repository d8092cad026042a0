"""What cnnlab promises, tried out on a user's own config."""
