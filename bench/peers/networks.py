"""The networks and training steps of Agon's presets, in PyTorch as its users write them."""

import torch
from torch import nn
from torch.nn import functional as F

# widths: channels of the smallest feature map first; size = 4 * 2^len(widths).
SYSTEMS = {
    "dcgan-64": dict(widths=(512, 256, 128, 64), channels=3, nz=100),
    "dcgan-cifar10": dict(widths=(256, 128, 64), channels=3, nz=100),
    "lsgan": dict(widths=(256, 128, 64), channels=3, nz=100, loss="least_squares"),
    "wgan-gp": dict(widths=(256, 128, 64), channels=3, nz=100, loss="wasserstein", n_critic=5, d="plain"),
    "sngan": dict(widths=(256, 128, 64), channels=3, nz=100, loss="hinge", d="spectral_norm"),
}


def generator(widths, channels, nz):
    layers, inputs = [], nz
    for i, width in enumerate(widths):
        stride, pad = (1, 0) if i == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(inputs, width, 4, stride, pad, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(True),
        ]
        inputs = width
    return nn.Sequential(*layers, nn.ConvTranspose2d(inputs, channels, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(widths, channels, kind):
    """kind: batch_norm (DCGAN's), plain (biases, no normalisation) or spectral_norm (biases)."""
    bias = kind != "batch_norm"
    wrap = nn.utils.spectral_norm if kind == "spectral_norm" else lambda layer: layer
    layers, inputs = [], channels
    for i, width in enumerate(reversed(widths)):
        layers.append(wrap(nn.Conv2d(inputs, width, 4, 2, 1, bias=bias)))
        if kind == "batch_norm" and i > 0:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        inputs = width
    return nn.Sequential(*layers, wrap(nn.Conv2d(inputs, 1, 4, 1, 0, bias=bias)), nn.Flatten(0))


def discriminator_loss(loss, real, fake):
    if loss == "bce":
        bce = F.binary_cross_entropy_with_logits
        return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    if loss == "least_squares":
        return 0.5 * ((real - 1).pow(2).mean() + fake.pow(2).mean())
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_loss(loss, fake):
    if loss == "bce":
        return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    if loss == "least_squares":
        return 0.5 * (fake - 1).pow(2).mean()
    return -fake.mean()


def gradient_penalty(D, real, fake):
    epsilon = torch.rand(len(real), 1, 1, 1)
    x = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
    (grad,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return 10 * (grad.flatten(1).norm(2, dim=1) - 1).pow(2).mean()


def adam(parameters, **options):
    """Fused on the CPU where this PyTorch can."""
    parameters = list(parameters)
    try:
        return torch.optim.Adam(parameters, fused=True, **options)
    except (RuntimeError, TypeError):
        return torch.optim.Adam(parameters, **options)


class Game:
    """One system; `step` plays an iteration: n_critic moves of D, then one of G."""

    def __init__(self, system, batch, mode):
        config = dict(dict(loss="bce", n_critic=1, d="batch_norm"), **SYSTEMS[system])
        self.loss, self.n_critic, self.nz, self.batch = (
            config["loss"],
            config["n_critic"],
            config["nz"],
            batch,
        )
        shape = config["widths"], config["channels"]
        self.G, self.D = generator(*shape, self.nz), discriminator(*shape, config["d"])
        penalised = config["loss"] == "wasserstein"
        options = dict(lr=1e-4, betas=(0.0, 0.9)) if penalised else dict(lr=2e-4, betas=(0.5, 0.999))
        self.optimizer_G, self.optimizer_D = adam(self.G.parameters(), **options), adam(
            self.D.parameters(), **options
        )
        size = 4 * 2 ** len(config["widths"])
        self.pool = [torch.rand(batch, config["channels"], size, size) * 2 - 1 for _ in range(4)]
        if "channels_last" in mode:
            for net in (self.G, self.D):
                net.to(memory_format=torch.channels_last)
            self.pool = [images.contiguous(memory_format=torch.channels_last) for images in self.pool]
        self.penalised_D = self.D if penalised else None  # torch.compile has no double backward
        if "compiled" in mode:
            compiler = torch.compile if hasattr(torch, "compile") else torch.jit.script
            self.G, self.D = compiler(self.G), compiler(self.D)
        self.drawn = 0

    def step(self):
        for _ in range(self.n_critic):
            real = self.pool[self.drawn % len(self.pool)]
            self.drawn += 1
            fake = self.G(torch.randn(self.batch, self.nz, 1, 1))
            self.optimizer_D.zero_grad()
            loss_D = discriminator_loss(self.loss, self.D(real), self.D(fake.detach()))
            if self.penalised_D is not None:
                loss_D = loss_D + gradient_penalty(self.penalised_D, real, fake.detach())
            loss_D.backward()
            self.optimizer_D.step()
        if self.n_critic > 1:
            fake = self.G(torch.randn(self.batch, self.nz, 1, 1))
        self.optimizer_G.zero_grad()
        # The generator's move needs no gradient of D's weights; users who care for speed switch it off.
        for parameter in self.optimizer_D.param_groups[0]["params"]:
            parameter.requires_grad_(False)
        loss_G = generator_loss(self.loss, self.D(fake))
        loss_G.backward()
        for parameter in self.optimizer_D.param_groups[0]["params"]:
            parameter.requires_grad_(True)
        self.optimizer_G.step()
        return loss_D.item(), loss_G.item()
