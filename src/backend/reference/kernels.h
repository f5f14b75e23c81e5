#pragma once
#include "backend/reference/array.h"

namespace agon::reference {

/// Runs one node, with all that fusion folded into it. Leaves other than constants and random numbers are
/// the interpreter's business and refused here.
void execute(const Call& call);

// By family.
void fill(const Call& call);
void random(const Call& call);
void elementwise(const Call& call);  ///< neg .. cast, and elementwise programs
void copy(const Call& call);         ///< reshape, stop_gradient
void transpose(const Call& call);
void broadcast_to(const Call& call);
void concat(const Call& call);
void slice(const Call& call);
void pad(const Call& call);
void reduce(const Call& call);
void matmul(const Call& call);
void convolution(const Call& call);
void average_pool(const Call& call);
void maximum_pool(const Call& call);
void resize(const Call& call);
void gather(const Call& call);
void scatter_add(const Call& call);
void one_hot(const Call& call);
void softmax(const Call& call);
void batch_norm_train(const Call& call);
void batch_norm_grad(const Call& call);
void sample_norm(const Call& call);
void sample_norm_grad(const Call& call);
void spectral_norm(const Call& call);
void loss(const Call& call);
void gradient_penalty(const Call& call);
void optimizer(const Call& call);

/// y = f(x) and dy * f'(x) by the output y.
double activate(const Activation& f, double x);
double activate_grad(const Activation& f, double y, double dy);

/// One instruction of an elementwise program on scalars; operands beyond its op's arity are ignored.
double apply(const ElementwiseProgram::Instruction& instruction, double a, double b, double c);

}  // namespace agon::reference
