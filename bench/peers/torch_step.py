#!/usr/bin/env python3
"""Times a training step of one system in PyTorch on the CPU; prints one JSON line a mode.

Every mode runs in a process of its own, so that its peak memory is its own. `compiled` is torch.compile, or
TorchScript where PyTorch is older than 2.0.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time

MODES = ("eager", "channels_last", "compiled", "compiled_channels_last")


def measure(options, mode):
    import torch
    from networks import Game

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    game = Game(options.system, options.batch, mode)
    for _ in range(options.warmup):
        game.step()
    times = []
    for _ in range(options.steps):
        start = time.perf_counter()
        losses = game.step()
        times.append(1000 * (time.perf_counter() - start))
    if not all(map(math.isfinite, losses)):
        sys.exit(f"{options.system} {mode}: losses {losses}")
    return dict(
        system=options.system,
        framework=f"torch {torch.__version__}",
        mode=mode,
        batch=options.batch,
        threads=options.threads,
        step_ms=round(statistics.median(times), 2),
        peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", default="dcgan-cifar10")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--python", default=sys.executable, help="the Python whose PyTorch to time")
    parser.add_argument("--mode", choices=MODES, help="one mode only")
    options = parser.parse_args()
    if options.mode and os.path.abspath(options.python) == os.path.abspath(sys.executable):
        print(json.dumps(measure(options, options.mode)), flush=True)
        return
    for mode in [options.mode] if options.mode else MODES:
        arguments = ["--system", options.system, "--mode", mode]
        for name in ("batch", "steps", "warmup", "threads"):
            arguments += [f"--{name}", str(getattr(options, name))]
        environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads))
        if subprocess.run([options.python, __file__, *arguments], env=environment).returncode:
            print(f"{options.system} {mode}: failed under {options.python}", file=sys.stderr)


if __name__ == "__main__":
    main()
