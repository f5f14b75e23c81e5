#include "nn/initialise.h"

#include <algorithm>
#include <cmath>

#include "agon/error.h"
#include "agon/philox.h"

#include "core/nearest.h"
#include "nn/call.h"

namespace agon::nn {
namespace {

constexpr uint32_t init_stream = 0x696e6974;  // away from the streams of iterations, which count from 0

/// FNV-1a: the Philox step of a parameter's draws.
uint64_t hash(std::string_view text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

void fill_uniform(std::span<float> values, uint64_t seed, uint64_t step, double lo, double hi) {
  PhiloxStream stream(seed, step, init_stream);
  for (float& v : values) v = static_cast<float>(lo + (hi - lo) * stream.uniform());
}

void fill_normal(std::span<float> values, uint64_t seed, uint64_t step, double mean, double deviation) {
  for (size_t i = 0; i < values.size(); ++i) {
    const Philox4 words = philox_at(seed, step, init_stream, static_cast<uint32_t>(i / 4));
    values[i] = static_cast<float>(mean + deviation * philox_normal(words, static_cast<int>(i % 4)));
  }
}

struct Law {
  std::string_view name;
  size_t arguments;
};
constexpr Law laws[] = {
    {"normal", 2},         {"uniform", 2},        {"constant", 1},      {"zeros", 0},
    {"ones", 0},           {"xavier_uniform", 0}, {"xavier_normal", 0}, {"kaiming_uniform", 0},
    {"kaiming_normal", 0}, {"pytorch", 0},        {"unit", 0}};

}  // namespace

void check_initialiser(std::string_view init, std::string_view where) {
  const Call call = parse_call(init, where);
  const auto law = std::ranges::find(laws, call.name, &Law::name);
  if (law == std::end(laws)) {
    std::vector<std::string> known;
    for (const Law& l : laws) known.emplace_back(l.name);
    fail(ErrorKind::usage, "{}: unknown initialiser '{}'{}", where, call.name, suggestion(call.name, known));
  }
  check(call.arguments.size() == law->arguments, ErrorKind::usage, "{}: '{}' takes {} numbers, not {}", where,
        call.name, law->arguments, call.arguments.size());
}

Tensor initial_value(const Parameter& parameter, std::string_view key, uint64_t seed) {
  check_initialiser(parameter.init, key);
  const Call call = parse_call(parameter.init, key);
  const auto& a = call.arguments;
  Tensor tensor(DType::f32, parameter.shape);
  const auto values = tensor.as<float>();
  const uint64_t step = hash(key);
  const auto in = static_cast<double>(parameter.fan_in), out = static_cast<double>(parameter.fan_out);
  const auto symmetric = [&](double bound) { fill_uniform(values, seed, step, -bound, bound); };
  if (call.name == "normal") fill_normal(values, seed, step, a[0], a[1]);
  if (call.name == "uniform") fill_uniform(values, seed, step, a[0], a[1]);
  if (call.name == "constant") std::ranges::fill(values, static_cast<float>(a[0]));
  if (call.name == "ones") std::ranges::fill(values, 1.0f);
  if (call.name == "xavier_uniform") symmetric(std::sqrt(6 / (in + out)));
  if (call.name == "xavier_normal") fill_normal(values, seed, step, 0, std::sqrt(2 / (in + out)));
  if (call.name == "kaiming_uniform") symmetric(std::sqrt(6 / in));
  if (call.name == "kaiming_normal") fill_normal(values, seed, step, 0, std::sqrt(2 / in));
  if (call.name == "pytorch") symmetric(1 / std::sqrt(in));
  if (call.name == "unit") {
    fill_normal(values, seed, step, 0, 1);
    double square = 0;
    for (const float v : values) square += static_cast<double>(v) * v;
    for (float& v : values) v = static_cast<float>(v / std::sqrt(square));
  }
  return tensor;
}

}  // namespace agon::nn
