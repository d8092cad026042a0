"""The line that says what is wrong, out of what frameworks say: texts as they were caught."""

import pytest

from cnnlab.framework_errors import described, is_out_of_memory, out_of_memory, root_cause


class InvalidArgumentError(Exception):
    pass


class ResourceExhaustedError(Exception):
    pass


class JaxRuntimeError(RuntimeError):
    pass


FRAMES = 'defined at (most recent call last):\n  File "/x/fit.py", line 3\n\n  File "/y.py", line 9\n\n'
GRAPH = (
    f"Graph execution error:\n\nDetected at node net/embedding_1/GatherV2 {FRAMES}"
    "indices[0,0] = 7 is not in [0, 3)\n\t [[{{node net/embedding_1/GatherV2}}]] [Op:__inference_steps_373]"
)
TWO_ROOTS = (
    f"Graph execution error:\n\nDetected at node 'net/dense_1/MatMul' {FRAMES}2 root error(s) found.\n"
    "  (0) INVALID_ARGUMENT:  Matrix size-incompatible: In[0]: [2,4], In[1]: [5,3]\n"
    "\t [[{{node net/dense_1/MatMul}}]]\n  (1) CANCELLED:  Function was cancelled\n"
    "0 successful operations."
)
GRAPH_MEMORY = (
    f"Graph execution error:\n\nDetected at node net/conv2d_1/Conv2D {FRAMES}"
    "OOM when allocating tensor with shape[512,64,224,224] and type float on /job:localhost/replica:0/task:0/"
    "device:CPU:0 by allocator mklcpu\n\t [[{{node net/conv2d_1/Conv2D}}]]\nHint: If you want to see a list "
    "of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom to RunOptions.\n"
    " [Op:__inference_g_74]"
)
EAGER_MEMORY = (
    "{{function_node __wrapped__Fill_device_/job:localhost/replica:0/task:0/device:CPU:0}} OOM when "
    "allocating tensor with shape[1000,100] and type float on /job:localhost/replica:0/task:0/device:CPU:0 "
    "by allocator mklcpu [Op:Fill] name: "
)
KERAS = (
    "Exception encountered when calling Dense.call().\n\n\x1b[1mweights do not fit\x1b[0m\n\n"
    "Arguments received by Dense.call():\n  • inputs=tf.Tensor(shape=(2, 9), dtype=float32)"
)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(
            ValueError("Arguments do not match:\n\n  expected 3 arrays, got 2\nmore"),
            "ValueError: Arguments do not match: expected 3 arrays, got 2",
            id="announced",
        ),
        pytest.param(ValueError("Nothing follows:"), "ValueError: Nothing follows:", id="not announced"),
        pytest.param(
            InvalidArgumentError(GRAPH),
            "InvalidArgumentError: indices[0,0] = 7 is not in [0, 3) (at net/embedding_1/GatherV2)",
            id="tensorflow",
        ),
        pytest.param(
            InvalidArgumentError(TWO_ROOTS),
            "InvalidArgumentError: INVALID_ARGUMENT:  Matrix size-incompatible: In[0]: [2,4], In[1]: [5,3] "
            "(at net/dense_1/MatMul)",
            id="several-roots",
        ),
        pytest.param(ValueError(KERAS), "ValueError: weights do not fit (at Dense)", id="keras"),
        pytest.param(
            JaxRuntimeError("INTERNAL: Failed to execute XLA Runtime executable: run time error\nmore"),
            "JaxRuntimeError: INTERNAL: Failed to execute XLA Runtime executable: run time error",
            id="jax",
        ),
        pytest.param(KeyError("a"), "KeyError: 'a'", id="python"),
        pytest.param(AssertionError(), "AssertionError", id="silent"),
        pytest.param(RuntimeError("x" * 1000), f"RuntimeError: {'x' * 399}…", id="long"),
    ],
)
def test_root_cause(error, line):
    assert described(error) == line
    assert not is_out_of_memory(error)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(
            ResourceExhaustedError(GRAPH_MEMORY),
            "OOM when allocating tensor with shape[512,64,224,224] and type float (at net/conv2d_1/Conv2D)",
            id="tensorflow-graph",
        ),
        pytest.param(
            ResourceExhaustedError(EAGER_MEMORY),
            "OOM when allocating tensor with shape[1000,100] and type float",
            id="tensorflow-eager",
        ),
        pytest.param(
            JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes."),
            "RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes.",
            id="jax",
        ),
        pytest.param(
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 4000 bytes.\nmore"),
            "DefaultCPUAllocator: can't allocate memory: you tried 4000 bytes.",
            id="torch",
        ),
        pytest.param(
            MemoryError("Unable to allocate 7.28 TiB for an array with shape (1000000, 1000000)"),
            "Unable to allocate 7.28 TiB for an array with shape (1000000, 1000000)",
            id="numpy",
        ),
        pytest.param(MemoryError(), "", id="python"),
        pytest.param(OSError(12, "Cannot allocate memory"), "[Errno 12] Cannot allocate memory", id="system"),
    ],
)  # fmt: skip
def test_out_of_memory(error, line):
    assert is_out_of_memory(error)
    assert root_cause(error) == line
    first, way_out = out_of_memory(error).splitlines()
    assert first == (f"out of memory: {line}" if line else "out of memory")
    assert "training.batch_size" in way_out


def test_out_of_memory_with_several_seeds_in_one_program():
    _, way_out = out_of_memory(MemoryError(), together=8).splitlines()
    assert way_out.startswith(
        "   use --together with fewer than 8 seeds, or use a smaller training.batch_size, "
    )


def test_an_empty_message_leaves_the_word_to_its_cause():
    error = RuntimeError()
    error.__cause__ = ValueError("the reason")
    assert root_cause(error) == "the reason"
