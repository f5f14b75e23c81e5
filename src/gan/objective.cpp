#include "gan/objective.h"

#include <algorithm>
#include <vector>

#include "agon/error.h"

#include "core/nearest.h"

namespace agon::gan {
namespace {

/// -log of the likelihood of label t under the logit s.
Value bce_with_logits(Value s, double t) {
  if (t == 0) return softplus(s);
  if (t == 1) return softplus(-s);
  return softplus(s) - s * t;
}

}  // namespace

bool Objective::is_logistic() const {
  return kind == ObjectiveKind::minimax || kind == ObjectiveKind::non_saturating ||
         kind == ObjectiveKind::bce;
}

Value Objective::real_term(Value s) const {
  switch (kind) {
    case ObjectiveKind::minimax:
    case ObjectiveKind::non_saturating:
      return mean(softplus(-s));
    case ObjectiveKind::bce:
      return mean(bce_with_logits(s, real_label));
    case ObjectiveKind::least_squares:
      return mean(square(s - 1)) * 0.5;
    case ObjectiveKind::hinge:
      return mean(relu(1 - s));
    case ObjectiveKind::wasserstein:
      return -mean(s);
  }
  fail(ErrorKind::internal, "objective: no such kind");
}

Value Objective::fake_term(Value s) const {
  switch (kind) {
    case ObjectiveKind::minimax:
    case ObjectiveKind::non_saturating:
      return mean(softplus(s));
    case ObjectiveKind::bce:
      return mean(bce_with_logits(s, fake_label));
    case ObjectiveKind::least_squares:
      return mean(square(s)) * 0.5;
    case ObjectiveKind::hinge:
      return mean(relu(s + 1));
    case ObjectiveKind::wasserstein:
      return mean(s);
  }
  fail(ErrorKind::internal, "objective: no such kind");
}

Value Objective::generator_loss(Value s) const {
  switch (kind) {
    case ObjectiveKind::minimax:
      return -mean(softplus(s));
    case ObjectiveKind::non_saturating:
    case ObjectiveKind::bce:
      return mean(softplus(-s));
    case ObjectiveKind::least_squares:
      return mean(square(s - 1)) * 0.5;
    case ObjectiveKind::hinge:
    case ObjectiveKind::wasserstein:
      return -mean(s);
  }
  fail(ErrorKind::internal, "objective: no such kind");
}

ObjectiveKind parse_objective(std::string_view name, std::string_view where) {
  static const std::vector<std::string> names = {"minimax",       "non_saturating", "bce",
                                                 "least_squares", "hinge",          "wasserstein"};
  const auto it = std::ranges::find(names, name);
  if (it == names.end())
    fail(ErrorKind::usage, "{}: {}", where,
         name.empty() ? std::string("an adversarial loss needs 'objective'")
                      : fmt::format("unknown objective '{}'{}", name, suggestion(name, names)));
  return static_cast<ObjectiveKind>(it - names.begin());
}

}  // namespace agon::gan
