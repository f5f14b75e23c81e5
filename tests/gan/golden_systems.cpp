#include "gan/golden_systems.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "agon/error.h"
#include "agon/philox.h"

namespace agon::golden {
namespace {

/// The plain CNN of the fixture; the preset has the paper's.
constexpr std::string_view sngan_networks = R"toml(
preset = "sngan"
[networks.G]
input = [1, 1, "nz"]
layers = [
  { type = "conv_transpose", out = "4*ngf", kernel = 4, bias = false, norm = "batch", activation = "relu" },
  { type = "conv_transpose", out = "2*ngf", kernel = 4, stride = 2, pad = 1, bias = false, norm = "batch", activation = "relu" },
  { type = "conv_transpose", out = "ngf", kernel = 4, stride = 2, pad = 1, bias = false, norm = "batch", activation = "relu" },
  { type = "conv_transpose", out = "channels", kernel = 4, stride = 2, pad = 1, bias = false, activation = "tanh" },
]
[networks.D]
layers = [
  { type = "conv", out = "ndf", kernel = 4, stride = 2, pad = 1, spectral_norm = true, activation = "leaky_relu(0.1)" },
  { type = "conv", out = "2*ndf", kernel = 4, stride = 2, pad = 1, spectral_norm = true, activation = "leaky_relu(0.1)" },
  { type = "conv", out = "4*ndf", kernel = 4, stride = 2, pad = 1, spectral_norm = true, activation = "leaky_relu(0.1)" },
  { type = "conv", out = 1, kernel = 4, spectral_norm = true },
]
)toml";

}  // namespace

const Tensor& System::tensor(const std::string& wanted) const {
  const Tensor* found = file.find(wanted);
  check(found != nullptr, ErrorKind::data, "fixture {}: no tensor '{}'", name, wanted);
  return *found;
}

std::vector<std::string> names() {
  return {"dcgan-cifar10", "lsgan", "wgan-gp", "sngan"};
}

System load(const std::string& name) {
  System system;
  system.name = name;
  system.file = read_safetensors(std::string(AGON_SOURCE_DIR "/tests/fixtures/") + name + ".safetensors");
  const auto& facts = system.file.metadata;
  system.seed = std::stoull(facts.at("seed"));
  system.batch = std::stoll(facts.at("batch"));
  system.steps = std::stoi(facts.at("steps"));
  system.config = name == "sngan" ? Config::text(sngan_networks, "sngan golden") : Config::preset(name);
  system.config.set("vars.nz=" + facts.at("nz"));
  system.config.set("vars.ngf=" + facts.at("width"));
  system.config.set("vars.ndf=" + facts.at("width"));
  system.config.set("moves[0].repeat=" + facts.at("n_critic"));
  // Presets may train at other rates than the goldens did.
  double beta1 = 0, beta2 = 0;
  check(std::sscanf(facts.at("betas").c_str(), "[%lf, %lf]", &beta1, &beta2) == 2, ErrorKind::data,
        "fixture {}: betas are {}", name, facts.at("betas"));
  for (const char* player : {"D", "G"}) {
    const std::string optimizer = fmt::format("players.{}.optimizer.", player);
    system.config.set(optimizer + "lr=" + facts.at("lr"));
    system.config.set(fmt::format("{}beta1={}", optimizer, beta1));
    system.config.set(fmt::format("{}beta2={}", optimizer, beta2));
  }
  return system;
}

System preset(const std::string& name, int64_t batch, int steps) {
  System system;
  system.name = name + " at full width";
  system.config = Config::preset(name);
  system.seed = 7;
  system.batch = batch;
  system.steps = steps;
  return system;
}

std::vector<NamedTensor> weights(const System& system, const std::string& prefix,
                                 const std::string& network) {
  std::vector<NamedTensor> result;
  const std::string start = prefix + "/" + network + ".";
  for (const NamedTensor& t : system.file.tensors)
    if (t.name.starts_with(start)) result.push_back({t.name.substr(start.size()), t.tensor});
  return result;
}

Tensor input_value(const System& system, const GameInput& input, uint64_t step) {
  int kind = 0;  // real
  if (input.kind == GameInput::Kind::noise) kind = 1;
  if (input.kind == GameInput::Kind::epsilon) kind = 2;
  PhiloxStream stream(system.seed, step, static_cast<uint32_t>(4 * input.execution + kind));
  Tensor result(DType::f64, input.shape);
  for (double& v : result.as<double>()) {
    v = stream.uniform();
    if (kind != 2) v = 2 * v - 1;
  }
  return result;
}

double error_of(const Tensor& ours, const Tensor& theirs) {
  check(ours.numel() == theirs.numel(), ErrorKind::internal, "tensors of {} and {} elements compared",
        ours.numel(), theirs.numel());
  const Tensor left = ours.to(DType::f64), right = theirs.to(DType::f64);
  const auto a = left.as<double>(), b = right.as<double>();
  double worst = 0, scale = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return INFINITY;
    worst = std::max(worst, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return worst / std::max(scale, 1e-30);
}

Run::Run(const System& system, std::shared_ptr<Backend> backend)
    : system_(system), game_(system.config), backend_(std::move(backend)), store_(backend_->make_store()) {
  game_.initialise(*store_, 1);
  if (!system.file.tensors.empty())
    for (const char* network : {"G", "D"})
      game_.import_network(*store_, network, weights(system_, "init", network));
  options_.feed_noise = options_.details = true;
  program_ = backend_->compile(game_.iteration(system_.batch, options_), *store_, {});
}

void Run::play(uint64_t step) {
  for (const GameInput& input : game_.inputs(system_.batch, options_))
    program_->write(input.name, input_value(system_, input, step));
  for (const auto& scalar : game_.scalars(step, 0)) program_->set_scalar(scalar.name, scalar.value);
  program_->run(step);
}

std::vector<Run::Gradient> Run::gradients() {
  std::vector<Gradient> result;
  const int critic = game_.draws();
  for (int move = 0; move <= critic; ++move) {
    const std::string player = move < critic ? "D" : "G";
    const Tensor flat = program_->read(fmt::format("grad_{}.{}", player, move < critic ? move : 0));
    for (auto& tensor : game_.unflatten(player, flat.to(DType::f64)))
      result.push_back({move, std::move(tensor)});
  }
  return result;
}

}  // namespace agon::golden
