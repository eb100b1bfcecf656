"""TensorFlow's 3³ convolution in bfloat16 beside float32, at widths of ours: whether `precision: 'bfloat16'` could pay on this processor.

    .venv/bin/python bench/bfloat16.py

Prints JSON: least seconds of five runs of each, and whether the processor multiplies bfloat16 (AVX512_BF16, AMX).
"""

import json
import os
import pathlib
import time

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf  # noqa: E402

SETTINGS = [(16, (2, 40, 56, 40)), (24, (2, 32, 32, 32)), (48, (1, 32, 32, 32))]


def least(channels, shape, dtype):
    x = tf.cast(tf.random.normal((*shape, channels)), dtype)
    w = tf.cast(tf.random.normal((3, 3, 3, channels, channels)), dtype)
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        y = tf.nn.conv3d(x, w, (1, 1, 1, 1, 1), "SAME")
        float(tf.cast(y[0, 0, 0, 0, 0], tf.float32))
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def main():
    flags = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    rows = [
        {"channels": c, "volume": list(s), **{t.name: round(least(c, s, t), 4) for t in (tf.float32, tf.bfloat16)}}
        for c, s in SETTINGS
    ]
    has = {name: name in flags for name in ("avx512_bf16", "amx_bf16")}
    print(json.dumps({"tensorflow": tf.__version__, **has, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
