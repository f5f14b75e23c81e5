#include "nn/initialise.h"

#include <algorithm>
#include <cmath>

#include "agon/error.h"

#include "catch.h"

using namespace agon;

namespace {

struct Moments {
  double mean = 0, deviation = 0, least = 0, largest = 0;
};

Moments moments(const std::string& init) {
  const Parameter p{.name = "w",
                    .shape = {256, 128},
                    .init = init,
                    .fan_in = 128,
                    .fan_out = 256,
                    .view = {},
                    .permutation = {},
                    .disk = {}};
  const Tensor t = nn::initial_value(p, "N.w", 3);
  Moments m;
  const auto v = t.as<float>();
  for (const float x : v) m.mean += x;
  m.mean /= static_cast<double>(v.size());
  for (const float x : v) m.deviation += (x - m.mean) * (x - m.mean);
  m.deviation = std::sqrt(m.deviation / static_cast<double>(v.size()));
  m.least = *std::ranges::min_element(v);
  m.largest = *std::ranges::max_element(v);
  return m;
}

}  // namespace

// Networks would start from another law than the config names (32768 draws: moments to about a per cent).
TEST_CASE("initialisers have the moments of their laws", "[initialise]") {
  const auto normal = [](const std::string& init, double mean, double deviation) {
    INFO(init);
    const Moments m = moments(init);
    CHECK(m.mean == Approx(mean).margin(deviation * 0.03));
    CHECK(m.deviation == Approx(deviation).epsilon(0.02));
    CHECK(m.largest > mean + 3 * deviation);
    CHECK(m.least < mean - 3 * deviation);
  };
  const auto uniform = [](const std::string& init, double lo, double hi) {
    INFO(init);
    const Moments m = moments(init);
    CHECK(m.least >= lo);
    CHECK(m.largest <= hi);
    CHECK(m.mean == Approx((lo + hi) / 2).margin((hi - lo) * 0.01));
    CHECK(m.deviation == Approx((hi - lo) / std::sqrt(12)).epsilon(0.02));
  };
  normal("normal(1, 0.02)", 1, 0.02);
  normal("kaiming_normal", 0, std::sqrt(2.0 / 128));
  normal("xavier_normal", 0, std::sqrt(2.0 / 384));
  uniform("uniform(-1, 3)", -1, 3);
  uniform("kaiming_uniform", -std::sqrt(6.0 / 128), std::sqrt(6.0 / 128));
  uniform("xavier_uniform", -std::sqrt(6.0 / 384), std::sqrt(6.0 / 384));
  uniform("pytorch", -1 / std::sqrt(128), 1 / std::sqrt(128));
  CHECK(moments("constant(0.5)").least == 0.5);
  CHECK(moments("ones").largest == 1);
  CHECK(moments("zeros").deviation == 0);
  const Moments unit = moments("unit");
  CHECK((unit.deviation * unit.deviation + unit.mean * unit.mean) * 256 * 128 == Approx(1).epsilon(1e-5));
}

// A typo in an initialiser would be noticed only after the run began, or never.
TEST_CASE("initialisers are checked", "[initialise]") {
  const auto refusal = [](std::string_view init) -> std::string {
    try {
      nn::check_initialiser(init, "x.toml:3");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(refusal("norml(0, 1)") == "x.toml:3: unknown initialiser 'norml' (did you mean 'normal'?)");
  CHECK(refusal("normal(0)") == "x.toml:3: 'normal' takes 2 numbers, not 1");
  CHECK(refusal("normal(0, x)") == "x.toml:3: \"normal(0, x)\": 'x' is no number");
  CHECK(refusal("normal(0, 1") == "x.toml:3: \"normal(0, 1\": a ')' is missing");
  CHECK(refusal(" normal ( 0 , 0.02 ) ") == "accepted");
}
