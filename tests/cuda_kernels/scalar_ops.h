#pragma once
#include "cuda/kernels/common.h"
#include "cuda/kernels/elementwise.h"

/// What kernels should make of one element, by the reference backend's formulas.
namespace agon::test {

/// y = f(x), and f'(x) by y.
double activate(const cuda::Activation& f, double x);
double derivative(const cuda::Activation& f, double y);

/// One instruction of an elementwise program; operands beyond its op's arity are ignored.
double apply(const cuda::ElementwiseInstruction& instruction, double a, double b, double c);

}  // namespace agon::test
