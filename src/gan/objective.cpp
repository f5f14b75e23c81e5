#include "gan/objective.h"

#include <algorithm>
#include <vector>

#include "agon/error.h"

#include "core/nearest.h"

namespace agon::gan {

bool Objective::is_logistic() const {
  return kind == ObjectiveKind::minimax || kind == ObjectiveKind::non_saturating ||
         kind == ObjectiveKind::bce;
}

Value Objective::real_term(Value s, double weight) const {
  switch (kind) {
    case ObjectiveKind::minimax:
    case ObjectiveKind::non_saturating:
      return mean_loss(LossKind::bce_with_logits, s, 1, weight);
    case ObjectiveKind::bce:
      return mean_loss(LossKind::bce_with_logits, s, real_label, weight);
    case ObjectiveKind::least_squares:
      return mean_loss(LossKind::least_squares, s, 1, weight);
    case ObjectiveKind::hinge:
      return mean_loss(LossKind::hinge, s, 1, weight);
    case ObjectiveKind::wasserstein:
      return mean_loss(LossKind::wasserstein, s, 1, weight);
  }
  fail(ErrorKind::internal, "objective: no such kind");
}

Value Objective::fake_term(Value s, double weight) const {
  switch (kind) {
    case ObjectiveKind::minimax:
    case ObjectiveKind::non_saturating:
      return mean_loss(LossKind::bce_with_logits, s, 0, weight);
    case ObjectiveKind::bce:
      return mean_loss(LossKind::bce_with_logits, s, fake_label, weight);
    case ObjectiveKind::least_squares:
      return mean_loss(LossKind::least_squares, s, 0, weight);
    case ObjectiveKind::hinge:
      return mean_loss(LossKind::hinge, s, -1, weight);
    case ObjectiveKind::wasserstein:
      return mean_loss(LossKind::wasserstein, s, -1, weight);
  }
  fail(ErrorKind::internal, "objective: no such kind");
}

Value Objective::generator_loss(Value s, double weight) const {
  switch (kind) {
    case ObjectiveKind::minimax:
      return mean_loss(LossKind::bce_with_logits, s, 0, -weight);
    case ObjectiveKind::non_saturating:
    case ObjectiveKind::bce:
      return mean_loss(LossKind::bce_with_logits, s, 1, weight);
    case ObjectiveKind::least_squares:
      return mean_loss(LossKind::least_squares, s, 1, weight);
    case ObjectiveKind::hinge:
    case ObjectiveKind::wasserstein:
      return mean_loss(LossKind::wasserstein, s, 1, weight);
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
