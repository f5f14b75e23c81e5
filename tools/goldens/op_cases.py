"""Op-level goldens: small float64 cases with their first and second derivatives, and five steps of each optimizer.

A case <c> over inputs a, b, ... holds <c>/a, <c>/b (NCHW, OIHW, PyTorch's argument order), <c>/y, the upstream gradient
<c>/dy, and <c>/d_a = grad_a sum(y dy). Second derivatives: with <c>/c_a random and s = sum_a sum(d_a c_a),
<c>/dd_a = grad_a s and <c>/dd_dy = grad_dy s. The metadata entry `cases` is a JSON object: name -> op and attributes.
Padding of conv2d is (top, bottom, left, right).
Optimizer cases hold p0, g (steps, n), p (steps, n) after each step, and the slots after the last one.
"""

import json

import numpy as np
import torch
from torch.nn import functional as F

from philox import signed

SEED = 200


class Recorder:
    def __init__(self):
        self.tensors, self.cases, self.streams = {}, {}, 0

    def random(self, *shape, scale=1.0):
        self.streams += 1
        return torch.from_numpy(np.array(scale * signed(SEED, 0, self.streams, shape)))

    def store(self, case, **tensors):
        for name, value in tensors.items():
            # "+ 0" gives PyTorch's lazy zero tensors memory; numpy() alone reads what was never written.
            self.tensors[f"{case}/{name}"] = (value.detach() + 0).numpy()

    def op(self, case, op, function, inputs, constants=None, **attributes):
        """Runs function(*inputs) and stores the outputs, gradients and second derivatives."""
        self.cases[case] = dict(attributes, op=op, inputs=list(inputs))
        inputs = {name: value.clone().requires_grad_(True) for name, value in inputs.items()}
        y = function(*inputs.values())
        dy = (torch.ones(()).double() if y.dim() == 0 else self.random(*y.shape)).requires_grad_(True)
        gradients = torch.autograd.grad(y, list(inputs.values()), dy, create_graph=True)
        self.store(case, y=y, dy=dy, **inputs, **(constants or {}))
        self.store(case, **{f"d_{name}": g for name, g in zip(inputs, gradients)})
        directions = {f"c_{name}": self.random(*g.shape) for name, g in zip(inputs, gradients)}
        s = sum((g * c).sum() for g, c in zip(gradients, directions.values()))
        seconds = torch.autograd.grad(s, [dy, *inputs.values()], allow_unused=True)
        self.store(case, **directions)
        for name, value in zip(["dy", *inputs], seconds):
            self.store(
                case, **{f"dd_{name}": torch.zeros_like(inputs.get(name, dy)) if value is None else value}
            )


def convolutions(r):
    def conv(case, x, w, stride=1, pad=(0, 0, 0, 0), dilation=1, groups=1, bias=False):
        """pad: top, bottom, left, right."""
        top, bottom, left, right = pad
        inputs = dict(x=r.random(*x), w=r.random(*w))
        if bias:
            inputs["b"] = r.random(w[0])

        def function(x, w, b=None):
            return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride, 0, dilation, groups)

        r.op(case, "conv2d", function, inputs, stride=stride, pad=pad, dilation=dilation, groups=groups)

    conv("conv2d_3x3", (2, 3, 6, 5), (4, 3, 3, 3), pad=(1, 1, 1, 1), bias=True)
    conv("conv2d_4x4_stride2", (2, 3, 8, 8), (4, 3, 4, 4), stride=2, pad=(1, 1, 1, 1))
    conv("conv2d_odd_stride2", (2, 2, 7, 5), (3, 2, 3, 3), stride=2, pad=(1, 1, 1, 1))
    conv("conv2d_same_stride2", (2, 2, 8, 6), (3, 2, 5, 5), stride=2, pad=(1, 2, 1, 2), bias=True)
    conv("conv2d_lopsided", (1, 2, 5, 6), (3, 2, 3, 2), stride=1, pad=(2, 0, 0, 1))
    conv("conv2d_groups", (2, 4, 5, 5), (6, 2, 3, 3), pad=(1, 1, 1, 1), groups=2)
    conv("conv2d_depthwise", (2, 4, 6, 6), (4, 1, 3, 3), stride=2, pad=(1, 1, 1, 1), groups=4, bias=True)
    conv("conv2d_dilation", (1, 2, 9, 8), (3, 2, 3, 3), pad=(2, 2, 2, 2), dilation=2)
    conv("conv2d_1x1", (2, 5, 4, 3), (2, 5, 1, 1))
    conv("conv2d_one_pixel", (1, 3, 1, 1), (2, 3, 1, 1), bias=True)
    conv("conv2d_whole_image", (2, 3, 4, 4), (1, 3, 4, 4))
    conv("conv2d_stride3_rest", (1, 2, 9, 10), (2, 2, 2, 2), stride=3)

    def transposed(case, x, w, stride=1, pad=0, output_padding=0, dilation=1, groups=1, bias=False):
        inputs = dict(x=r.random(*x), w=r.random(*w))
        if bias:
            inputs["b"] = r.random(w[1] * groups)

        def function(x, w, b=None):
            return F.conv_transpose2d(x, w, b, stride, pad, output_padding, groups, dilation)

        attributes = dict(
            stride=stride, pad=pad, output_padding=output_padding, dilation=dilation, groups=groups
        )
        r.op(case, "conv_transpose2d", function, inputs, **attributes)

    transposed("conv_transpose2d_4x4_stride2", (2, 4, 4, 3), (4, 3, 4, 4), stride=2, pad=1)
    transposed("conv_transpose2d_from_latent", (2, 5, 1, 1), (5, 3, 4, 4), bias=True)
    transposed(
        "conv_transpose2d_output_padding", (2, 3, 3, 4), (3, 2, 3, 3), stride=2, pad=1, output_padding=1
    )
    transposed("conv_transpose2d_groups", (1, 4, 3, 3), (4, 2, 3, 3), stride=2, pad=1, groups=2, bias=True)
    transposed("conv_transpose2d_dilation", (1, 2, 4, 4), (2, 2, 3, 3), pad=1, dilation=2)
    linear = dict(x=r.random(3, 5), w=r.random(4, 5), b=r.random(4))
    r.op("linear", "linear", F.linear, linear)


def sampling(r):
    def pool(case, op, shape, kernel, stride, pad, **more):
        function = F.max_pool2d if op == "max_pool" else F.avg_pool2d
        call = lambda x: function(x, kernel, stride, pad, **more)  # noqa: E731
        r.op(case, op, call, dict(x=r.random(*shape)), kernel=kernel, stride=stride, pad=pad, **more)

    pool("max_pool_2x2", "max_pool", (2, 3, 6, 4), 2, 2, 0)
    pool("max_pool_3x3_stride2", "max_pool", (2, 2, 7, 7), 3, 2, 1)
    pool("avg_pool_2x2", "avg_pool", (2, 3, 6, 4), 2, 2, 0)
    pool("avg_pool_3x3_with_pad", "avg_pool", (2, 2, 7, 5), 3, 2, 1, count_include_pad=True)
    pool("avg_pool_3x3_without_pad", "avg_pool", (2, 2, 7, 5), 3, 1, 1, count_include_pad=False)

    def resize(case, shape, size, mode, **more):
        call = lambda x: F.interpolate(x, size=size, mode=mode, **more)  # noqa: E731
        r.op(case, f"resize_{mode}", call, dict(x=r.random(*shape)), size=size, **more)

    resize("nearest_2x", (2, 2, 3, 4), (6, 8), "nearest")
    resize("nearest_ratio", (1, 2, 5, 4), (7, 3), "nearest")
    for align in (False, True):
        suffix = "corners" if align else "half_pixel"
        resize(f"bilinear_up_{suffix}", (2, 2, 4, 3), (8, 7), "bilinear", align_corners=align)
        resize(f"bilinear_down_{suffix}", (1, 2, 9, 8), (5, 3), "bilinear", align_corners=align)
    r.op(
        "pixel_shuffle",
        "pixel_shuffle",
        lambda x: F.pixel_shuffle(x, 2),
        dict(x=r.random(2, 8, 3, 2)),
        factor=2,
    )
    index = torch.tensor([3, 0, 3, 5, 1, 3])
    table = dict(w=r.random(6, 4))
    r.op("embedding", "embedding", lambda w: F.embedding(index, w), table, constants=dict(index=index))


def normalisations(r):
    def affine(shape, weight_shape):
        return dict(x=r.random(*shape), w=1 + 0.3 * r.random(*weight_shape), b=r.random(*weight_shape))

    for case, shape in (("batch_norm_train", (4, 3, 3, 5)), ("batch_norm_train_one_pixel", (6, 4, 1, 1))):
        mean, var = r.random(shape[1], scale=0.2), 1 + 0.5 * r.random(shape[1])
        before = dict(mean_before=mean.clone(), var_before=var.clone())
        inputs = affine(shape, (shape[1],))
        F.batch_norm(inputs["x"], mean, var, training=True, momentum=0.1, eps=1e-5)
        after = dict(mean_after=mean, var_after=var)
        call = lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=1e-5)  # noqa: E731
        r.op(case, "batch_norm_train", call, inputs, dict(before, **after), momentum=0.1, eps=1e-5)
    stats = dict(mean=r.random(3, scale=0.5), var=1 + 0.5 * r.random(3))
    call = lambda x, w, b: F.batch_norm(x, stats["mean"], stats["var"], w, b, eps=1e-5)  # noqa: E731
    r.op("batch_norm_eval", "batch_norm_eval", call, affine((2, 3, 3, 4), (3,)), stats, eps=1e-5)
    call = lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=1e-5)  # noqa: E731
    r.op("instance_norm", "instance_norm", call, affine((2, 3, 4, 5), (3,)), eps=1e-5)
    for case, shape, axes in (
        ("layer_norm_chw", (2, 3, 4, 3), (3, 4, 3)),
        ("layer_norm_features", (4, 7), (7,)),
    ):
        call = lambda x, w, b, axes=axes: F.layer_norm(x, axes, w, b, eps=1e-5)  # noqa: E731
        r.op(case, "layer_norm", call, affine(shape, axes), axes=axes, eps=1e-5)
    u = F.normalize(r.random(4), dim=0)

    def spectral(w):
        matrix = w.reshape(4, -1)
        with torch.no_grad():
            v = F.normalize(matrix.t().mv(u), dim=0, eps=1e-12)
            new_u = F.normalize(matrix.mv(v), dim=0, eps=1e-12)
        r.store("spectral_norm", u_before=u, u_after=new_u, v_after=v)
        return w / new_u.dot(matrix.mv(v))

    r.op("spectral_norm", "spectral_norm", spectral, dict(w=r.random(4, 3, 3, 3)), eps=1e-12)


def pointwise(r):
    for case, function, attributes in (
        ("relu", F.relu, {}),
        ("leaky_relu", lambda x: F.leaky_relu(x, 0.2), dict(slope=0.2)),
        ("elu", F.elu, dict(alpha=1.0)),
        ("tanh", torch.tanh, {}),
        ("sigmoid", torch.sigmoid, {}),
        ("softplus", F.softplus, {}),
        ("softmax", lambda x: F.softmax(x, dim=1), dict(axis=1)),
        ("log_softmax", lambda x: F.log_softmax(x, dim=1), dict(axis=1)),
    ):
        r.op(case, case, function, dict(x=r.random(4, 6, scale=3.0)), **attributes)


def losses(r):
    label = torch.tensor([2, 0, 4, 4])
    call = lambda x: F.cross_entropy(x, label)  # noqa: E731
    r.op(
        "softmax_cross_entropy",
        "softmax_cross_entropy",
        call,
        dict(x=r.random(4, 5, scale=3.0)),
        dict(label=label),
    )
    for target in (1.0, 0.9, 0.1, 0.0):
        call = lambda x, t=target: F.binary_cross_entropy_with_logits(x, torch.full_like(x, t))  # noqa: E731
        r.op(f"bce_logits_{target}", "bce_logits", call, dict(x=r.random(9, scale=6.0)), target=target)
    for op, function in (
        ("hinge_real", lambda x: F.relu(1 - x).mean()),
        ("hinge_fake", lambda x: F.relu(1 + x).mean()),
        ("least_squares_real", lambda x: 0.5 * (x - 1).pow(2).mean()),
        ("least_squares_fake", lambda x: 0.5 * x.pow(2).mean()),
        ("minimax_generator", lambda x: -F.binary_cross_entropy_with_logits(x, torch.zeros_like(x))),
    ):
        r.op(op, op, function, dict(x=r.random(9, scale=3.0)))
    r.op("l1", "l1", F.l1_loss, dict(x=r.random(2, 3, 4), t=r.random(2, 3, 4)))


def optimizers(r, steps=5, count=11):
    adam, rms, sgd = torch.optim.Adam, torch.optim.RMSprop, torch.optim.SGD
    for case, op, make, attributes in (
        ("adam_dcgan", "adam", adam, dict(lr=2e-4, betas=(0.5, 0.999), eps=1e-8)),
        ("adam_wgan_gp", "adam", adam, dict(lr=1e-4, betas=(0.0, 0.9), eps=1e-8)),
        ("adam_weight_decay", "adam", adam, dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)),
        ("rmsprop", "rmsprop", rms, dict(lr=5e-5, alpha=0.99, eps=1e-8)),
        ("sgd", "sgd", sgd, dict(lr=0.1)),
        ("sgd_momentum", "sgd", sgd, dict(lr=0.1, momentum=0.9)),
        ("sgd_nesterov", "sgd", sgd, dict(lr=0.1, momentum=0.9, nesterov=True)),
    ):
        p = torch.nn.Parameter(r.random(count))
        g = r.random(steps, count)
        g[:, 0] = 0  # a parameter that never gets a gradient stays where it is
        start, after = p.detach().clone(), []
        optimizer = make([p], **attributes)
        for step in range(steps):
            p.grad = g[step].clone()
            optimizer.step()
            after.append(p.detach().clone())
        slots = {k: v for k, v in optimizer.state[p].items() if torch.is_tensor(v) and v.shape == p.shape}
        r.cases[case] = dict(attributes, op=op, slots=sorted(slots))
        r.store(case, p0=start, g=g, p=torch.stack(after), **slots)


def golden():
    r = Recorder()
    for family in (convolutions, sampling, normalisations, pointwise, losses, optimizers):
        family(r)
    return r.tensors, {"cases": json.dumps(r.cases, sort_keys=True), "layout": "NCHW, OIHW"}
