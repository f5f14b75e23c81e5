#include <cmath>

#include "backend/reference/kernels.h"

namespace agon::reference {
namespace {

/// One element of a parameter with its slots, updated in place. `g` has the weight decay in it.
struct Element {
  double p, first, second;
};

/// torch.optim.Adam; the corrections are 1 - beta^t.
void adam(const OptimizerAttr& a, Element& e, double g, double lr, double correction1, double correction2) {
  e.first = a.beta1 * e.first + (1 - a.beta1) * g;
  e.second = a.beta2 * e.second + (1 - a.beta2) * g * g;
  e.p -= lr / correction1 * e.first / (std::sqrt(e.second) / std::sqrt(correction2) + a.eps);
}

/// torch.optim.RMSprop, not centered; `first` is the square average, `second` the momentum buffer.
void rmsprop(const OptimizerAttr& a, Element& e, double g, double lr) {
  e.first = a.beta2 * e.first + (1 - a.beta2) * g * g;
  const double d = g / (std::sqrt(e.first) + a.eps);
  if (a.beta1 > 0) e.second = a.beta1 * e.second + d;
  e.p -= lr * (a.beta1 > 0 ? e.second : d);
}

/// torch.optim.SGD with heavy-ball momentum (dampening 0, not Nesterov's); without momentum the buffer rests.
void sgd(const OptimizerAttr& a, Element& e, double g, double lr) {
  if (a.beta1 > 0) e.first = a.beta1 * e.first + g;
  e.p -= lr * (a.beta1 > 0 ? e.first : g);
}

}  // namespace

void optimizer(const Call& call) {
  const Op op = call.node.op;
  const auto& attr = call.attr<OptimizerAttr>();
  const size_t slots = op == Op::sgd ? 1 : 2;
  const auto scalar = [&](size_t i) { return call.in[2 + slots + i].f64()[0]; };
  double gradient_squares = 0, parameter_squares = 0;
  for (int64_t i = 0; i < call.in[0].numel(); ++i) {
    const double gradient = call.in[1].f64()[i];
    Element e{call.in[0].f64()[i], call.in[2].f64()[i], slots == 2 ? call.in[3].f64()[i] : 0};
    const double g = gradient + attr.weight_decay * e.p;
    if (op == Op::adam)
      adam(attr, e, g, scalar(0), scalar(1), scalar(2));
    else if (op == Op::rmsprop)
      rmsprop(attr, e, g, scalar(0));
    else
      sgd(attr, e, g, scalar(0));
    call.out[0].f64()[i] = e.p;
    call.out[1].f64()[i] = e.first;
    if (slots == 2) call.out[2].f64()[i] = e.second;
    gradient_squares += gradient * gradient;
    parameter_squares += e.p * e.p;
  }
  call.out[1 + slots].f64()[0] = gradient_squares;
  call.out[2 + slots].f64()[0] = parameter_squares;
}

}  // namespace agon::reference
