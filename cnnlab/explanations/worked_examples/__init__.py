"""The examples of `cnnlab explain convolution`: numbers, sentences and a picture each."""
