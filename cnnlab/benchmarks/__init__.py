"""How fast cnnlab is, measured on the user's machine."""
