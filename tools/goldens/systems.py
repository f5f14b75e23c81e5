"""The four GAN systems of the goldens, in PyTorch and float64, at small width.

Conventions that a second implementation has to share:
- BatchNorm momentum 0.1, eps 1e-5, running variance unbiased, running statistics updated on *every* training
  forward: once per generator forward, and in the discriminator on the real pass, the fake pass and the
  generator's move.
- Spectral norm as torch.nn.utils.spectral_norm: every training forward runs one power iteration from the stored u
  (v = normalize(W^T u), u = normalize(W v), norms clamped at 1e-12), stores u and v, and divides W by
  sigma = u . W v, through which the gradient flows with u and v held fixed. W is the weight as (out, in*kh*kw).
- Adam eps 1e-8, bias-corrected, no weight decay.
"""

import torch
from torch import nn
from torch.nn import functional as F

from philox import signed, uniform

WIDTH, BATCH, NZ, SIZE = 8, 8, 16, 32

# One stream per (move, kind) of an iteration: stream = 4 * move + kind; the Philox step is the iteration.
REAL, LATENT, EPSILON = 0, 1, 2
INIT_STREAM = 1000  # initial tensor i (state_dict order, G then D) reads stream INIT_STREAM + i at step 0

SYSTEMS = {
    "dcgan-cifar10": dict(seed=101, loss="bce", n_critic=1, lr=2e-4, betas=(0.5, 0.999), d="batch_norm"),
    "lsgan": dict(seed=102, loss="least_squares", n_critic=1, lr=2e-4, betas=(0.5, 0.999), d="batch_norm"),
    "wgan-gp": dict(seed=103, loss="wasserstein", n_critic=2, lr=1e-4, betas=(0.0, 0.9), d="plain", gp=10.0),
    "sngan": dict(seed=104, loss="hinge", n_critic=1, lr=2e-4, betas=(0.5, 0.999), d="spectral_norm"),
}


class Net(nn.Module):
    """A chain whose parameters are called main.<index>.<name>, as in PyTorch's DCGAN example."""

    def __init__(self, layers):
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        return self.main(x)


def generator(w=WIDTH, nz=NZ):
    layers, channels = [], nz
    for out, stride, pad in ((4 * w, 1, 0), (2 * w, 2, 1), (w, 2, 1)):
        layers += [
            nn.ConvTranspose2d(channels, out, 4, stride, pad, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
        ]
        channels = out
    return Net(layers + [nn.ConvTranspose2d(w, 3, 4, 2, 1, bias=False), nn.Tanh()])


def discriminator(kind, w=WIDTH):
    """kind: batch_norm (DCGAN's), plain (biases, no normalisation) or spectral_norm (biases, slope 0.1)."""
    bias = kind != "batch_norm"
    slope = 0.1 if kind == "spectral_norm" else 0.2
    wrap = nn.utils.spectral_norm if kind == "spectral_norm" else lambda layer: layer
    layers, channels = [], 3
    for i, out in enumerate((w, 2 * w, 4 * w)):
        layers.append(wrap(nn.Conv2d(channels, out, 4, 2, 1, bias=bias)))
        if kind == "batch_norm" and i > 0:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.LeakyReLU(slope))
        channels = out
    return Net(layers + [wrap(nn.Conv2d(4 * w, 1, 4, 1, 0, bias=bias))])


def initialise(nets, seed):
    """Fills every parameter and buffer from Philox, rounded to float32 so that an fp32 backend starts from it exactly.

    Batch-norm scale 1 + 0.1 s, shift 0.1 s, running statistics 0 and 1; biases 0.1 s; weights 2 s / sqrt(inputs of one
    output); u and v normalised; s uniform in [-1, 1).
    """
    index = 0
    for net in nets:
        for name, tensor in net.state_dict().items():
            stream, last = INIT_STREAM + index, name.split(".")[-1]
            index += 1
            if last in ("running_mean", "running_var", "num_batches_tracked"):
                continue
            s = torch.from_numpy(signed(seed, 0, stream, tuple(tensor.shape)))
            if last in ("weight_u", "weight_v"):
                value = s / s.norm()
            elif tensor.dim() == 4:
                # A transposed convolution keeps (in, out, kh, kw); about kh*kw/4 taps of it meet one output.
                value = 2 * s / tensor[0].numel() ** 0.5
            else:
                value = 0.1 * s + (1.0 if last == "weight" else 0.0)
            tensor.copy_(value.float().double())


def adversarial_terms(loss, real, fake):
    """The discriminator's (real, fake) terms."""
    if loss == "bce":
        bce = F.binary_cross_entropy_with_logits
        return bce(real, torch.ones_like(real)), bce(fake, torch.zeros_like(fake))
    if loss == "least_squares":
        return 0.5 * (real - 1).pow(2).mean(), 0.5 * fake.pow(2).mean()
    if loss == "wasserstein":
        return -real.mean(), fake.mean()
    return F.relu(1 - real).mean(), F.relu(1 + fake).mean()


def generator_loss(loss, fake):
    if loss == "bce":
        return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    if loss == "least_squares":
        return 0.5 * (fake - 1).pow(2).mean()
    return -fake.mean()


def gradient_penalty(D, real, fake, epsilon, weight):
    """weight * mean((|grad_x D(x)|_2 - 1)^2) at x = epsilon * real + (1 - epsilon) * fake (WGAN-GP)."""
    x = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
    (grad,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return weight * (grad.flatten(1).norm(2, dim=1) - 1).pow(2).mean()


class Run:
    """One system in training; `iterate` plays an iteration and returns its losses and gradients."""

    def __init__(self, name, disturb=0.0):
        self.config = config = SYSTEMS[name]
        self.G, self.D = generator().double(), discriminator(config["d"]).double()
        with torch.no_grad():
            initialise((self.G, self.D), config["seed"])
            for parameter in list(self.G.parameters()) + list(self.D.parameters()):
                parameter.mul_(1 + disturb)
        adam = dict(lr=config["lr"], betas=config["betas"], eps=1e-8)
        self.opt_G = torch.optim.Adam(self.G.parameters(), **adam)
        self.opt_D = torch.optim.Adam(self.D.parameters(), **adam)

    def state(self):
        """Every parameter and floating-point buffer, as name -> array."""
        return {
            f"{player}.{name}": tensor.detach().numpy().copy()
            for player, net in (("G", self.G), ("D", self.D))
            for name, tensor in net.state_dict().items()
            if tensor.is_floating_point()
        }

    def real(self, step, move):
        nhwc = signed(self.config["seed"], step, 4 * move + REAL, (BATCH, SIZE, SIZE, 3))
        return torch.from_numpy(nhwc).permute(0, 3, 1, 2).contiguous()

    def latent(self, step, move):
        z = signed(self.config["seed"], step, 4 * move + LATENT, (BATCH, NZ))
        return torch.from_numpy(z).view(BATCH, NZ, 1, 1)

    def epsilon(self, step, move):
        return torch.from_numpy(uniform(self.config["seed"], step, 4 * move + EPSILON, (BATCH,))).view(
            -1, 1, 1, 1
        )

    def critic_move(self, step, move):
        """Returns the loss, its parts, and the images, still attached to the generator."""
        config = self.config
        real, fake = self.real(step, move), self.G(self.latent(step, move))
        self.opt_D.zero_grad()
        parts = dict(
            zip(("real", "fake"), adversarial_terms(config["loss"], self.D(real), self.D(fake.detach())))
        )
        if "gp" in config:
            parts["penalty"] = gradient_penalty(
                self.D, real, fake.detach(), self.epsilon(step, move), config["gp"]
            )
        loss = sum(parts.values())
        loss.backward()
        self.opt_D.step()
        return loss, parts, fake

    def iterate(self, step):
        """n_critic moves of D, then one of G, which judges its images with the updated D.

        With n_critic = 1 the generator's move re-uses the images of the critic's move (one forward of G an iteration);
        else it draws a latent of its own (stream 4 * n_critic + LATENT) and runs G again.
        """
        losses, gradients, n_critic = {}, {}, self.config["n_critic"]
        for move in range(n_critic):
            loss, parts, fake = self.critic_move(step, move)
            for name, value in [("D", loss)] + [(f"D.{part}", value) for part, value in parts.items()]:
                losses.setdefault(name, []).append(value.item())
            gradients.update(collect(f"{move}/D", self.D))
        if n_critic > 1:
            fake = self.G(self.latent(step, n_critic))
        self.opt_G.zero_grad()
        loss = generator_loss(self.config["loss"], self.D(fake))
        loss.backward()
        self.opt_G.step()
        losses["G"] = [loss.item()]
        gradients.update(collect(f"{n_critic}/G", self.G))
        return losses, gradients


def collect(prefix, net):
    return {f"{prefix}.{name}": p.grad.detach().numpy().copy() for name, p in net.named_parameters()}
