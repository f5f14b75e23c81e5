#include "parity/table.h"

namespace agon::parity {

std::vector<ParityCase> elementwise_table() {
  std::vector<ParityCase> cases;
  // Remainders of every vector width, rank 0 and rank 5.
  for (const std::string shape : {"-", "1", "7", "3x5x2", "2x3x2x3x5", "4x5x5x17"})
    for (const std::string op : {"neg", "abs", "sign", "exp", "log", "sqrt", "rsqrt", "softplus", "clamp"})
      cases.push_back({op + " s:" + shape});
  for (const std::string f : {"relu", "leaky_relu", "elu", "tanh", "sigmoid"})
    for (const std::string shape : {"-", "3x5", "4x5x5x17"}) {
      cases.push_back({"activation f:" + f + " s:" + shape});
      cases.push_back({"activation_grad f:" + f + " a:" + shape + " b:" + shape});
    }
  cases.push_back({"activation f:elu alpha0.7 s:33"});
  cases.push_back({"activation f:leaky_relu alpha0.01 s:33"});
  cases.push_back({"activation_grad f:tanh a:4x3 b:3"});
  cases.push_back({"clamp lo:-1 hi:1 s:65"});

  // Which axes repeat: none, all, inner, outer, middle, alternating, both operands, different ranks.
  const std::vector<std::string> patterns{"a:2x3x4x5 b:2x3x4x5", "a:2x3x4x5 b:-",     "a:- b:2x3",
                                          "a:2x3x4x5 b:5",       "a:5 b:2x3x5",       "a:2x3x4x5 b:2x1x1x1",
                                          "a:2x3x4x5 b:1x1x1x5", "a:2x3x4x5 b:3x1x1", "a:2x3x4x5 b:2x3x1x5",
                                          "a:2x1x4x1 b:1x3x1x5", "a:3x1 b:1x4",       "a:1x1 b:1",
                                          "a:7x33 b:7x1",        "a:4x4x16 b:16",     "a:4x4x17 b:1x17"};
  for (const std::string op :
       {"add", "sub", "mul", "div", "maximum", "minimum", "greater", "greater_equal", "equal"})
    for (const std::string& pattern : patterns) cases.push_back({op + " " + pattern});
  for (const std::string pattern :
       {"m:3x5 a:3x5 b:3x5", "m:3x1 a:3x5 b:5", "m:5 a:- b:3x5", "m:2x3x4 a:2x1x4 b:3x1", "m:- a:3 b:3"})
    cases.push_back({"where " + pattern});
  cases.push_back({"cast to:i32 s:3x7"});
  cases.push_back({"cast to:f32 s:3x7"});
  for (const std::string pattern : {"a:3x5 b:3x5", "a:4x4x17 b:17", "a:2x3x4 b:2x1x1", "a:5x7 b:-"})
    cases.push_back({"elementwise " + pattern});
  return cases;
}

}  // namespace agon::parity
