#pragma once
#include "cuda/kernels/device.cuh"

namespace agon::cuda {

/// What identity, relu and leaky_relu multiply negative numbers by.
__device__ inline float negative_slope(Activation f) {
  return f.kind == ActivationKind::identity ? 1 : f.kind == ActivationKind::relu ? 0 : f.alpha;
}

/// An activation known at run time: identity, relu and leaky_relu as one line with a slope below 0.
struct PiecewiseActivation {
  Activation f;
  bool linear;
  float slope;

  __device__ explicit PiecewiseActivation(Activation activation)
      : f(activation), linear(f.kind <= ActivationKind::leaky_relu), slope(negative_slope(f)) {}

  template <int Width>
  __device__ void apply(float (&v)[Width]) const {
    if (linear)
      for (float& x : v) x = x > 0 ? x : x * slope;
    else
      for (float& x : v) x = activate(f, x);
  }
};

}  // namespace agon::cuda
