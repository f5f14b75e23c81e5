#pragma once
#include <string>

#include "agon/config.h"

/// A GAN of a few hundred weights with batch norm on both sides and an averaged generator, on 8x8 glyphs: an
/// iteration takes milliseconds on any backend.
inline agon::Config tiny_config(const std::string& device = "reference") {
  agon::Config config = agon::Config::text(R"toml(
name = "tiny"

[data]
spec = "glyphs"
height = 8
width = 8
channels = 1
count = 40

[train]
batch_size = 4
steps = 24

[log]
every = 3

[checkpoint]
every = 5
keep = 2

[sample]
every = 12
count = 4

[eval]
count = 0

[networks.G]
input = 4
layers = [
  { type = "linear", out = 32, norm = "batch", activation = "relu" },
  { type = "reshape", shape = [4, 4, 2] },
  { type = "conv_transpose", out = 1, kernel = 4, stride = 2, pad = 1, activation = "tanh" },
]

[networks.D]
input = [8, 8, 1]
layers = [
  { type = "conv", out = 4, kernel = 4, stride = 2, pad = 1, norm = "batch", activation = "leaky_relu(0.2)" },
  { type = "flatten" },
  { type = "linear", out = 1 },
]

[players.D]
optimizer = { type = "adam", lr = 2e-3 }

[players.G]
optimizer = { type = "adam", lr = 2e-3 }
schedule = { type = "linear" }
ema = { decay = 0.9 }

[[moves]]
player = "D"
losses = [{ type = "adversarial", objective = "bce" }]

[[moves]]
player = "G"
losses = [{ type = "adversarial", objective = "bce" }]
)toml",
                                           "tiny.toml");
  config.set("device=" + device);
  return config;
}
