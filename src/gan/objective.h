#pragma once
#include <string>
#include <string_view>

#include "agon/graph.h"

namespace agon::gan {

/// What D and G contest. D's output s is a logit for the first three, a score for the others; every loss is a
/// mean over all outputs (of a batch, and of the patches of a patch discriminator).
///   minimax         D: softplus(-s_real) + softplus(s_fake); G: -softplus(s_fake)      Goodfellow et al.,
///   NeurIPS 2014, (1) non_saturating  D: the same;                             G: softplus(-s_fake) ibid.,
///   section 3 bce             D: bce(s_real, real_label) + bce(s_fake, fake_label); G: bce(s_fake, 1), where
///   bce(s, t) =
///                   softplus(s) - t s. Labels 1 and 0 give non_saturating; 0.9 and 0 are one-sided, 0.9 and
///                   0.1 two-sided label smoothing                                Salimans et al., NeurIPS
///                   2016, section 3.4
///   least_squares   D: 0.5 (s_real - 1)^2 + 0.5 s_fake^2;    G: 0.5 (s_fake - 1)^2     Mao et al., ICCV
///   2017, (9) hinge           D: relu(1 - s_real) + relu(1 + s_fake);  G: -s_fake     Lim and Ye 2017;
///   Miyato et al., ICLR 2018 wasserstein     D: -s_real + s_fake;                     G: -s_fake Arjovsky et
///   al., ICML 2017
enum class ObjectiveKind { minimax, non_saturating, bce, least_squares, hinge, wasserstein };

struct Objective {
  ObjectiveKind kind = ObjectiveKind::non_saturating;
  double real_label = 1, fake_label = 0;  ///< bce only

  /// D's output is a logit, so that its sigmoid is a probability.
  bool is_logistic() const;
  /// D's term for real images, times `weight`.
  Value real_term(Value scores, double weight = 1) const;
  /// D's term for generated images.
  Value fake_term(Value scores, double weight = 1) const;
  /// G's loss, by D's output on generated images.
  Value generator_loss(Value scores, double weight = 1) const;
};

/// Throws Error(usage) with the nearest name; `where` begins the message.
ObjectiveKind parse_objective(std::string_view name, std::string_view where);

}  // namespace agon::gan
