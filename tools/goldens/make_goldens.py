#!/usr/bin/env python3
"""Writes the float64 goldens of tests/fixtures with PyTorch (1.13 or newer).

    tools/goldens/make_goldens.py                 write every fixture
    tools/goldens/make_goldens.py --check         compare the fixtures with a fresh run instead of writing
    tools/goldens/make_goldens.py --drift 1e-15   how far a run with weights scaled by 1 + 1e-15 ends from the golden

A system's fixture holds
    init/<player>.<name>               parameters and buffers before step 0, PyTorch's names and layout
    final/<player>.<name>              the same after the last step
    loss/D, loss/D.<part>, loss/G      (steps, moves of that player)
    grad/<step>/<move>/<player>.<name> gradients the optimizer saw, at the steps in metadata `grad_steps`
and in its metadata what the conventions in systems.py leave open. Inputs are not stored: they are Philox streams
(`systems.py`: real, latent, epsilon), images numbered in NHWC order, z as (batch, nz).
`op_cases.py` says what ops.safetensors holds.
"""

import argparse
import json
import os
import sys

import numpy as np
import torch

import op_cases
import philox
import safetensors_file
from systems import BATCH, NZ, SIZE, SYSTEMS, WIDTH, Run

STEPS = 20
GRAD_STEPS = (0, 9, 19)
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "fixtures")


def system_golden(name, disturb=0.0):
    run = Run(name, disturb)
    tensors = {f"init/{key}": value for key, value in run.state().items()}
    losses = {}
    for step in range(STEPS):
        values, gradients = run.iterate(step)
        for key, value in values.items():
            losses.setdefault(key, []).append(value)
        if step in GRAD_STEPS:
            tensors.update({f"grad/{step}/{key}": value for key, value in gradients.items()})
    tensors.update({f"final/{key}": value for key, value in run.state().items()})
    tensors.update({f"loss/{key}": np.array(value) for key, value in losses.items()})
    config = SYSTEMS[name]
    metadata = dict(config, system=name, steps=STEPS, width=WIDTH, batch=BATCH, nz=NZ, image=[SIZE, SIZE, 3])
    metadata["grad_steps"] = GRAD_STEPS
    return tensors, {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}


def difference(ours, golden):
    """The largest difference of any tensor, relative to that tensor's largest value (at least 1 for losses)."""
    if ours.keys() != golden.keys():
        sys.exit(f"tensor names differ: {sorted(ours.keys() ^ golden.keys())[:4]}")
    worst = (0.0, "")
    for name, value in golden.items():
        scale = max(np.abs(value).max(), 1.0 if name.startswith("loss/") else 1e-300)
        worst = max(worst, (float(np.abs(ours[name] - value).max() / scale), name))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="compare with the stored fixtures, write nothing"
    )
    parser.add_argument(
        "--drift", type=float, metavar="X", help="scale the initial weights by 1 + X and compare"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    philox.check()
    goldens = {name: (lambda name=name: system_golden(name, options.drift or 0.0)) for name in SYSTEMS}
    if options.drift is None:
        goldens["ops"] = op_cases.golden
    failed = False
    for name, make in goldens.items():
        tensors, metadata = make()
        path = os.path.normpath(os.path.join(FIXTURES, f"{name}.safetensors"))
        if options.check or options.drift is not None:
            worst, where = difference(tensors, safetensors_file.load(path)[0])
            print(f"{name}: {worst:.2e} at {where}")
            failed |= options.check and worst > 1e-9
        else:
            safetensors_file.save(path, tensors, metadata)
            print(f"{path}: {os.path.getsize(path) / 2**20:.2f} MiB")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
