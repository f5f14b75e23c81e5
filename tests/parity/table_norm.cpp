#include <map>

#include "parity/table.h"

namespace agon::parity {

std::vector<ParityCase> norm_table() {
  return {
      {"softmax s:3x4"},
      {"softmax s:5x17"},
      {"softmax s:1x1"},
      {"log_softmax s:3x4"},
      {"log_softmax s:2x3x10"},
      {"batch_norm_train s:8x3x3x5"},
      {"batch_norm_train s:4x5x7x1"},
      {"batch_norm_train s:4x3x3x16"},
      {"batch_norm_train s:3x4x5x17"},
      {"batch_norm_train s:2x4x4x64"},
      {"batch_norm_train s:16x6"},
      {"batch_norm_grad s:4x3x3x5"},
      {"batch_norm_grad s:3x4x5x17"},
      {"batch_norm_grad s:9x64"},
      {"batch_norm_grad s:1x1x1x3"},
      {"sample_norm over:instance s:2x4x5x3"},
      {"sample_norm over:instance s:3x8x8x40"},
      {"sample_norm over:instance s:1x7x3x17 affine0"},
      {"sample_norm over:instance s:5x6x7x1"},
      {"sample_norm over:instance s:2x33x5"},
      {"sample_norm over:instance s:2x40x48x8"},
      {"sample_norm over:layer s:3x4x3x2"},
      {"sample_norm over:layer s:1x5x7x5 affine0"},
      {"sample_norm over:layer s:9x64"},
      {"sample_norm over:layer s:2x9x9x20"},
      {"sample_norm over:layer s:1x24x24x45"},
      {"sample_norm_grad over:instance s:2x4x5x3"},
      {"sample_norm_grad over:instance s:3x8x8x40"},
      {"sample_norm_grad over:instance s:1x7x3x17 affine0"},
      {"sample_norm_grad over:instance s:5x6x7x1"},
      {"sample_norm_grad over:instance s:2x40x48x8"},
      {"sample_norm_grad over:layer s:3x4x3x2"},
      {"sample_norm_grad over:layer s:1x5x7x5 affine0"},
      {"sample_norm_grad over:layer s:9x64"},
      {"sample_norm_grad over:layer s:2x9x9x20"},
      {"sample_norm_grad over:layer s:1x24x24x45"},
      // Nothing to normalise over: y is beta, and what is left of dx is rounding, times 1 / sqrt(eps).
      {"sample_norm over:instance s:3x1x1x5"},
      {"batch_norm_eval s:2x3x3x5"},
      {"instance_norm s:2x4x5x3"},
      {"instance_norm s:1x7x3x17"},
      {"layer_norm s:3x4x3x2"},
      {"layer_norm s:4x33"},
      {"spectral_norm s:4x3x3x3"},
      {"spectral_norm s:17x5"},
      {"spectral_norm s:1x40"},
      {"spectral_norm s:40x1"},
      {"spectral_norm s:64x3x3x20"},
      {"spectral_norm s:5x8 iterate0"},
      {"dropout s:5x33"},
      {"dropout s:2x4x4x3 p:0.5"},
  };
}

/// Several ops in a row amplify the rounding of what lies between them; where a rounded pre-activation
/// crosses a kink, a whole element of the derivative changes. What bf16 cannot hold to 2e-2 for that reason:
const std::map<std::string, double> hard_in_bf16{
    // Two of 2048 pre-activations change sign.
    {"conv_transpose_bias_act mb2 ih8 iw8 ic16 oc17 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1 f:leaky_relu", 0.1},
    {"conv_transpose_bn_act mb2 ih8 iw8 ic16 oc17 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1 f:relu", 0.1},
    // Nearly saturated ELU: f' = y + 1 of a y near -1, in its curvature once more.
    {"conv_transpose_bias_act mb3 ih4 iw4 ic16 oc5 kh4 kw4 f:elu", 0.6},
    {"critic_penalty mb3 ih6 iw5 ic3 oc4 kh3 kw3 sh2 sw2 pt1 pl1 f:tanh", 0.08},
    // Two batch norms over few values, a saturated tanh, three kinks.
    {"generator_critic mb4 z3 w4", 0.5},
    {"generator_critic mb5 z7 w16", 0.8},
    {"random seed:19 nodes:23", 0.05},
};

std::vector<ParityCase> fusion_table() {
  std::vector<ParityCase> cases;
  const std::string conv = "mb2 ih7 iw5 ic3 oc5 kh3 kw3 sh2 sw2 pt1 pl0 pb0 pr1";
  const std::string wide = "mb2 ih8 iw8 ic16 oc17 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1";
  const std::string latent = "mb3 ih4 iw4 ic16 oc5 kh4 kw4";
  for (const std::string& geometry : {conv, wide, latent})
    for (const std::string f : {"identity", "leaky_relu", "relu", "elu", "tanh", "sigmoid"}) {
      // The bias's second derivative sums ELU's curvature over three samples, which nearly cancel there.
      const double tolerance = geometry == latent && f == "elu" ? 5e-5 : 1e-5;
      cases.push_back({"conv_bias_act " + geometry + " f:" + f, tolerance});
      cases.push_back({"conv_transpose_bias_act " + geometry + " f:" + f});
    }
  for (const std::string f : {"leaky_relu", "relu", "tanh"}) {
    cases.push_back({"conv_bn_act " + wide + " f:" + f});
    cases.push_back({"conv_transpose_bn_act " + wide + " f:" + f});
    for (const std::string& geometry : {conv, wide}) {
      cases.push_back({"bn_act_conv " + geometry + " f:" + f});
      cases.push_back({"bn_act_conv_transpose " + geometry + " f:" + f});
    }
    for (const std::string over : {"instance", "layer"})
      for (const std::string size : {"mb1 ih12 iw12 ic16 oc32", "mb3 ih8 iw8 ic16 oc17"})
        cases.push_back(
            {"conv_norm_act over:" + over + " " + size + " kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1 f:" + f, 2e-5});
    cases.push_back({"bn_act s:4x3x3x5 f:" + f});
    cases.push_back({"bn_act s:9x17 f:" + f});
    cases.push_back({"bn_act_shared s:4x3x3x5 f:" + f});
    cases.push_back({"conv_bias_shared " + conv + " f:" + f});
    cases.push_back({"matmul_bias_act m3 n17 k5 f:" + f});
  }
  for (const std::string line : {"matmul_bias_act m1 n1 k65 f:sigmoid",
                                 "chain a:2x3x4 b:3x1",
                                 "chain a:5x33 b:5x33",
                                 "chain a:4x4x17 b:17",
                                 "chain a:7 b:-",
                                 "chain_reduce a:3x5",
                                 "chain_reduce a:9x17",
                                 "bce_logits s:64",
                                 "squared_norms s:5x33 axes:1",
                                 "squared_norms s:3x4x5x2 axes:1,2,3",
                                 "constants a:3 k:1x1",
                                 "constants a:2x3 k:-",
                                 "constants a:1 k:2x3",
                                 "constants a:2x3 k:2x3",
                                 "constants a:- k:-",
                                 "bce_logits s:7x1",
                                 "critic_penalty mb3 ih6 iw5 ic3 oc4 kh3 kw3 sh2 sw2 pt1 pl1 f:tanh",
                                 "critic_penalty mb3 ih5 iw5 ic2 oc16 kh3 kw3 f:leaky_relu",
                                 "generator_critic mb4 z3 w4",
                                 "generator_critic mb5 z7 w16"})
    cases.push_back({line});
  // Longer chains lose more digits to cancellation.
  for (int seed = 0; seed < 60; ++seed)
    cases.push_back(
        {"random seed:" + std::to_string(seed) + " nodes:" + std::to_string(4 + seed % 30), 1e-4});
  for (ParityCase& parity : cases)
    if (const auto hard = hard_in_bf16.find(parity.line); hard != hard_in_bf16.end())
      parity.bf16_tolerance = hard->second;
  return cases;
}

}  // namespace agon::parity
