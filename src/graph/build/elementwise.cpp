#include "agon/graph.h"

namespace agon {
namespace {

Value unary(Op op, Value x, Attr attr = {}) {
  return x.graph().append(op, {x}, std::move(attr));
}
Value binary(Op op, Value a, Value b) {
  return a.graph().append(op, {a, b});
}
Value number(Value like, double value) {
  return like.graph().constant(value);
}

}  // namespace

Value operator-(Value x) {
  return unary(Op::neg, x);
}
Value operator+(Value a, Value b) {
  return binary(Op::add, a, b);
}
Value operator-(Value a, Value b) {
  return binary(Op::sub, a, b);
}
Value operator*(Value a, Value b) {
  return binary(Op::mul, a, b);
}
Value operator/(Value a, Value b) {
  return binary(Op::div, a, b);
}
Value operator+(Value a, double b) {
  return a + number(a, b);
}
Value operator-(Value a, double b) {
  return a - number(a, b);
}
Value operator*(Value a, double b) {
  return a * number(a, b);
}
Value operator/(Value a, double b) {
  return a / number(a, b);
}
Value operator-(double a, Value b) {
  return number(b, a) - b;
}
Value operator/(double a, Value b) {
  return number(b, a) / b;
}
Value abs(Value x) {
  return unary(Op::abs, x);
}
Value sign(Value x) {
  return unary(Op::sign, x);
}
Value exp(Value x) {
  return unary(Op::exp, x);
}
Value log(Value x) {
  return unary(Op::log, x);
}
Value sqrt(Value x) {
  return unary(Op::sqrt, x);
}
Value rsqrt(Value x) {
  return unary(Op::rsqrt, x);
}
Value softplus(Value x) {
  return unary(Op::softplus, x);
}
Value square(Value x) {
  return x * x;
}
Value clamp(Value x, double lo, double hi) {
  return unary(Op::clamp, x, ClampAttr{lo, hi});
}

Value activation(Value x, Activation f) {
  check((f.kind != ActivationKind::leaky_relu && f.kind != ActivationKind::elu) || f.alpha > 0,
        ErrorKind::usage, "activation: alpha must be > 0, not {}", f.alpha);
  return f.kind == ActivationKind::identity ? x : unary(Op::activation, x, f);
}
Value activation_grad(Value y, Value dy, Activation f) {
  return f.kind == ActivationKind::identity ? dy : y.graph().append(Op::activation_grad, {y, dy}, f);
}
Value relu(Value x) {
  return activation(x, {ActivationKind::relu, 0});
}
Value leaky_relu(Value x, double slope) {
  return activation(x, {ActivationKind::leaky_relu, slope});
}
Value elu(Value x, double alpha) {
  return activation(x, {ActivationKind::elu, alpha});
}
Value tanh(Value x) {
  return activation(x, {ActivationKind::tanh, 0});
}
Value sigmoid(Value x) {
  return activation(x, {ActivationKind::sigmoid, 0});
}

Value maximum(Value a, Value b) {
  return binary(Op::maximum, a, b);
}
Value minimum(Value a, Value b) {
  return binary(Op::minimum, a, b);
}
Value greater(Value a, Value b) {
  return binary(Op::greater, a, b);
}
Value greater_equal(Value a, Value b) {
  return binary(Op::greater_equal, a, b);
}
Value equal(Value a, Value b) {
  return binary(Op::equal, a, b);
}
Value where(Value mask, Value a, Value b) {
  return a.graph().append(Op::where, {mask, a, b});
}
Value cast(Value x, DType dtype) {
  return x.dtype() == dtype ? x : x.graph().append(Op::cast, {x}, {}, {}, dtype);
}
Value stop_gradient(Value x) {
  return unary(Op::stop_gradient, x);
}

}  // namespace agon
