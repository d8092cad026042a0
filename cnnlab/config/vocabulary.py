"""What a setting means, where its class does not say so itself: most are Keras's arguments, alike everywhere.

A key is a class, a field's name, or Class.field where a class and those derived from it mean something else.
"""

MEANINGS = {
    # An experiment
    "ExperimentConfig.name": "What the experiment is called; by default the file's name.",
    "description": "What the experiment is about, in a sentence.",
    "dataset": "Which images, how many, and as which numbers; a name alone takes the defaults.",
    "model": "The layers of the network.",
    "training": "How the network is trained.",
    "ExperimentConfig.seed": "Decides the first weights, the order of the images and dropout.",
    "runtime": "What the network is computed with.",
    "input_shape": "Without a dataset: the shape of one image, [height, width, channels].",
    "epochs": "Passes over the training images.",
    "batch_size": "Images per step.",
    "optimizer": "How gradients change the weights; a name alone takes Keras's defaults.",
    "loss": "The loss function.",
    "early_stopping": "Stop when training no longer helps.",
    "reduce_on_plateau": "Lower the learning rate when training no longer helps.",
    "monitor": "The monitored quantity, a column of the history.",
    "patience": "How many epochs to wait for an improvement.",
    "min_delta": "Smaller changes do not count as an improvement.",
    "min_learning_rate": "The learning rate does not fall below this.",
    "backend": "Keras runs on TensorFlow, JAX or PyTorch.",
    "device": "auto uses a GPU if there is one.",
    "precision": "Precision of the arithmetic; weights are always float32.",
    # Datasets: what each is
    "Cifar10": "CIFAR-10 in its Python or binary layout, as a folder or as the published archive.",
    "ColoredShapes": (
        'The shapes of shapes in the colours of colors; the class is both, such as "red circle".\n\n'
        "noise and difficulty as for shapes; difficulty also makes the colours greyer."
    ),
    "Colors": (
        "Circles, rectangles, triangles, diamonds and thin lines; the class is the colour, whatever the "
        "shape.\n\n"
        "28×28×3 images, 5,000 to train and 1,000 to test, generated in under a second and not stored. "
        "The six "
        "colours differ in brightness too, so grey values tell part of the answer: a dense network on "
        "grey values "
        "(784-128-64-6) reaches a test accuracy of 80.3% ± 1.7% (n=7), a CNN with 8 and 16 filters on "
        "colours "
        "99.9% ± 0.1% (n=8), one with 2 and 3 filters anything from 17% to 100% (n=10, six above 95%)."
    ),
    "FashionMnist": "Images of clothes (Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747), as four IDX files.",
    "Go": (
        "Positions from games of a simple player against itself; the class is the next move, such as D4.\n\n"
        "Networks see one plane: 1 for the stones of the player to move, -1 for the opponent's, 0 for empty "
        "points. The player looks only at the stones around a point: it captures, saves its own stones, "
        "attacks, "
        "and keeps its stones connected. It obeys the rules of capture, suicide and ko, and fills none of "
        "its own "
        "eyes. noise is the share of its moves that are random legal ones, which nobody can predict. "
        "difficulty "
        "makes games longer. Training and test positions are from different games, which are the same on "
        "every "
        "machine; 6,000 positions take 6 seconds."
    ),
    "ImageFolder": (
        "FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, or FOLDER/CLASS/* alone: PNG, JPEG, BMP, GIF and "
        "WebP.\n\n"
        "If classes or size are left out, they are read from the folder and written to a run's "
        "config.yaml, so a "
        "run can be read when the folder is gone. Images are converted to 8 bits per channel, transparent "
        "parts to "
        "white, photographs rotated upright; the result is cached as uint8 until a file changes."
    ),
    "Mnist": "Handwritten digits (LeCun, Cortes & Burges), as four IDX files or as Keras's mnist.npz.",
    "NpzFile": (
        "Images (N, H, W) or (N, H, W, C) uint8, labels (N,) of any integer type, as numpy.savez writes "
        "them.\n\n"
        "If shape or names are left out, they are read from the file and written to a run's config.yaml, "
        "so a run "
        "can be read when the file is gone."
    ),
    "Shapes": (
        "Bright shapes of any size and position on dark grey; the class is the shape.\n\n"
        "noise is the standard deviation of what is added to each pixel, as a share of full brightness. "
        "difficulty "
        "makes shapes smaller, flatter, fainter and less centred. The same images on every machine."
    ),
    "Tones": (
        "Spectrograms of synthetic sounds: time from top to bottom, frequency from left (low) to right "
        "(high).\n\n"
        "Brightness is loudness in decibels, full at the loudest point, black 50 dB below it. noise is the "
        "standard deviation of white noise relative to the sound's; the class noise is nothing else. "
        "difficulty "
        "makes glides shorter, vibrato narrower and clicks rarer. Rarely a pixel differs between machines."
    ),
    "XO": (
        "An X or an O; networks see 1 on its strokes and -1 elsewhere.\n\n"
        "At difficulty 0 every letter is thin, centred and upright; up to 1, letters are shifted to the "
        "edge, scaled "
        "down to half, rotated by up to 45° and thickened. noise is the share of inverted pixels; at 0.5 "
        "nothing "
        "is left. The same images on every machine."
    ),
    # Datasets: their fields
    "DatasetConfig.name": "Which dataset.",
    "train_size": "The first so many training images; null: all of them.",
    "validation_size": "A count, or a fraction of the training images used; 0: no validation.",
    "DatasetConfig.seed": "Draws the validation images if they are split off the training images; not the "
    "run's seed.",
    "DatasetConfig.data_format": "channels_first: images are (C, H, W).",
    "DatasetConfig.scale": "The values of black and full brightness.",
    "standardize": "Mean 0 and standard deviation 1 for each channel over the training images used; "
    "replaces scale.",
    "DatasetConfig.classes": "Only images of these classes, which are numbered in this order; null: of "
    "all classes.",
    "stratified": "Draw the train_size images with seed, each class with its share, instead of taking the "
    "first.",
    "generator_seed": "Draws the images; seed only chooses the validation images among them.",
    "train_count": "How many training images are generated, validation images included.",
    "test_count": "How many test images are generated.",
    "noise": "0: none; 1: nothing but noise.",
    "difficulty": "0: as easy as a textbook figure; 1: hard for people, too.",
    "folder": "The folder; a relative path is relative to the current directory.",
    "ImageFolder.size": "(height, width) that all images are resized to; null: that of the first, which "
    "all must have.",
    "resize": "crop: fill size and cut off the rest. pad: fit into size, black around. exact: refuse "
    "other sizes.",
    "on_error": "An image that cannot be read is an error, or is skipped with a warning.",
    "test_size": "A count or a fraction of images to test with, drawn with seed, if the folder has no "
    "test images.",
    "npz": "The file; a relative path is relative to the current directory.",
    "names": "The names of the labels 0, 1, …; null: their numbers.",
    "NpzFile.shape": "(height, width, channels) of the images; null: as in the file.",
    "Tones.size": "Points in time, and as many in frequency.",
    "size": "Height and width of the images, in pixels.",
    "color_mode": "Colour, or grey values.",
    # Optimizers and schedules
    "Optimizer.name": "Which optimizer.",
    "Schedule.name": "Which schedule.",
    "learning_rate": "The size of a step: a number, or a schedule.",
    "momentum": "How much of the last step is added to the next.",
    "nesterov": "Nesterov momentum: take the gradient one step ahead.",
    "rho": "The decay rate of the mean of the squared gradients.",
    "beta_1": "The decay rate of the mean of the gradients.",
    "beta_2": "The decay rate of the mean of the squared gradients.",
    "Lion.beta_2": "The decay rate of the momentum.",
    "epsilon": "Added to a divisor, so that it is never 0.",
    "amsgrad": "Divide by the largest mean of squared gradients so far instead of the present one.",
    "centered": "Divide by the standard deviation of the gradients instead of their root mean square.",
    "ema_momentum": "The decay rate of the moving average of the weights.",
    "adam_beta_1": "Adam's beta_1, for the weights left to Adam.",
    "adam_beta_2": "Adam's beta_2, for the weights left to Adam.",
    "adam_weight_decay": "The weight decay of the weights left to Adam.",
    "adam_lr_ratio": "Adam's learning rate as a multiple of Muon's.",
    "ns_steps": "Newton-Schulz iterations that make the momentum orthogonal.",
    "rms_rate": "Scales an update to this root mean square, as Adam's is.",
    "initial": "The learning rate at the beginning of the schedule.",
    "warm_up": "Epochs over which the learning rate first rises from 0 to the schedule's beginning.",
    "final": "The learning rate at the end.",
    "peak": "The highest learning rate.",
    "rise": "The share of the training in which the learning rate rises.",
    "every": "Epochs from one step to the next.",
    "factor": "What the learning rate is multiplied by.",
    # Layers
    "name": "What the layer is called in the summary; by default its type and a number.",
    "activation": "The activation function of the outputs; null: none.",
    "data_format": "channels_last: (height, width, channels); channels_first: (channels, height, width).",
    "filters": "How many kernels, each of which produces one feature map.",
    "kernel_size": "Height and width of the kernel; one number stands for both.",
    "pool_size": "Height and width of the window; one number stands for both.",
    "strides": "Steps between neighbouring positions of the window, in height and width.",
    "padding": "valid: the window stays inside the image; same: edges are padded, only strides reduce the "
    "size.",
    "ZeroPadding2D.padding": "Zeros around: a number, [height, width] or [[top, bottom], [left, right]].",
    "cropping": "What to cut off: a number, [height, width] or [[top, bottom], [left, right]].",
    "output_padding": "Rows and columns added at the end of the output.",
    "dilation_rate": "Steps between neighbouring weights of the kernel; 1: no gaps.",
    "groups": "The number of groups of channels, each with its own kernels.",
    "depth_multiplier": "How many kernels each channel has.",
    "units": "How many outputs.",
    "use_bias": "Whether a learned bias is added to each output.",
    "kernel_initializer": "The initial weights.",
    "bias_initializer": "The initial biases.",
    "depthwise_initializer": "The initial weights of the depthwise kernels.",
    "pointwise_initializer": "The initial weights of the 1×1 kernels.",
    "alpha_initializer": "The initial slopes.",
    "kernel_regularizer": "A penalty on the weights: l1, l2, l1_l2, or {l1: 0.01, l2: 0.01}.",
    "depthwise_regularizer": "A penalty on the depthwise kernels' weights: l1, l2, l1_l2, or {l2: 0.01}.",
    "pointwise_regularizer": "A penalty on the 1×1 kernels' weights: l1, l2, l1_l2, or {l2: 0.01}.",
    "bias_regularizer": "A penalty on the biases: l1, l2, l1_l2, or {l1: 0.01, l2: 0.01}.",
    "activity_regularizer": "A penalty on the outputs: l1, l2, l1_l2, or {l1: 0.01, l2: 0.01}.",
    "kernel_constraint": "A constraint on the weights: unit_norm, non_neg, max_norm, or {max_norm: 2}.",
    "depthwise_constraint": "A constraint on the depthwise kernels: unit_norm, non_neg, max_norm.",
    "pointwise_constraint": "A constraint on the 1×1 kernels: unit_norm, non_neg, max_norm.",
    "bias_constraint": "A constraint on the biases: unit_norm, non_neg, max_norm, or {max_norm: 2}.",
    "l1": "The factor of the sum of the weights' absolute values.",
    "l2": "The factor of the sum of the weights' squares.",
    "max_norm": "The largest norm of a filter.",
    "unit_norm": "Scale every filter to norm 1.",
    "non_neg": "Set negative weights to 0.",
    "rate": "The share that is set to 0.",
    "stddev": "The standard deviation of the noise.",
    "keepdims": "Keep height and width, as 1.",
    "axis": "Which axis; the batch axis is 0, and −1 is the last: the channels.",
    "BatchNormalization.momentum": "The decay rate of the moving mean and variance.",
    "center": "Whether beta, a shift, is learned.",
    "scale": "Whether gamma, a factor, is learned.",
    "Rescaling.scale": "What each number is multiplied by.",
    "offset": "What is then added to each number.",
    "alpha": "The slope below 0.",
    "LocalResponseNormalization.alpha": "The weight of the neighbours' squares.",
    "depth_radius": "How many channels on either side count as neighbours.",
    "bias": "What is added to the neighbours' squares.",
    "beta": "The power that the sum is raised to.",
    "negative_slope": "The slope below 0.",
    "max_value": "The largest output; larger ones are clipped.",
    "threshold": "Inputs below this count as negative.",
    "shared_axes": "Axes, counted from 1, along which one slope is shared.",
    "UpSampling2D.size": "How many pixels each pixel becomes, in height and width.",
    "interpolation": "How values between pixels are computed.",
    "fill_mode": "What fills pixels from beyond the edge.",
    "fill_value": "The value of pixels from beyond the edge, with fill_mode: constant.",
    "RandomRotation.factor": "The largest rotation, in full turns; x stands for [−x, x].",
    "height_factor": "The largest change as a share of the height; x stands for [−x, x].",
    "width_factor": "The largest change as a share of the width; x stands for [−x, x].",
    "height": "Height of the piece that is cut out.",
    "width": "Width of the piece that is cut out.",
    "mode": "Along which axis images are mirrored.",
    "dims": "The axes in their new order, counted from 1.",
    "target_shape": "The new shape; −1 stands for what is left.",
    # Blocks
    "layers": "Layers one after the other.",
    "times": "How often the layers are repeated, each time with their own weights.",
    "shortcut": "identity, projection (a 1×1 convolution), or a list of layers.",
    "branches": "Lists of layers with the same input; an empty list passes it on unchanged.",
    "merge": "How the outputs of the branches are combined.",
}
