"""The drawing kit: colours, fonts, numbers as text, figures, sheets of images, files. All pictures use it."""
