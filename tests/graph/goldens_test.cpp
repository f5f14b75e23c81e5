#include <cmath>

#include "agon/program.h"
#include "agon/safetensors.h"

#include "catch.h"
#include "graph/golden_ops.h"

using namespace agon;
using goldens::Json;

namespace {

constexpr double tolerance = 1e-10;

class Fixture {
 public:
  Fixture() : file_(read_safetensors(AGON_SOURCE_DIR "/tests/fixtures/ops.safetensors")) {}

  Json cases() const { return Json::parse(file_.metadata.at("cases")); }
  const Tensor* find(const std::string& name) const { return file_.find(name); }
  const Tensor& at(const std::string& name) const {
    const Tensor* tensor = file_.find(name);
    check(tensor != nullptr, ErrorKind::data, "fixture: there is no '{}'", name);
    return *tensor;
  }

 private:
  Safetensors file_;
};

/// max|difference| / max|expected|, or the difference itself where all of `expected` is 0.
double error(std::span<const double> got, std::span<const double> expected) {
  if (got.size() != expected.size()) return INFINITY;
  double worst = 0, largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - expected[i]);
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
    largest = std::max(largest, std::abs(expected[i]));
  }
  return largest > 0 ? worst / largest : worst;
}

bool is_optimizer(const std::string& op) {
  return op == "adam" || op == "rmsprop" || op == "sgd";
}

void check_op(const Fixture& fixture, const std::string& name, const Json& attributes) {
  Graph g;
  std::map<std::string, const Tensor*> fed;
  const auto input = [&](const std::string& key, DType dtype = DType::f32) {
    fed[key] = &fixture.at(name + "/" + key);
    return g.input(key, fed[key]->shape(), dtype);
  };
  goldens::Values in;
  std::vector<Value> wrt;
  for (const std::string key : attributes.at("inputs")) wrt.push_back(in[key] = input(key));
  for (const char* key : {"mean", "var", "mean_before", "var_before", "u_before"})
    if (fixture.find(name + "/" + key) != nullptr) in[key] = input(key);
  for (const char* key : {"index", "label"})
    if (fixture.find(name + "/" + key) != nullptr) in[key] = input(key, DType::i32);

  Value y = goldens::build(attributes, in), dy = input("dy");
  g.output("y", y);
  const auto first = vjp(y, dy, wrt);
  Value s;
  for (size_t i = 0; i < wrt.size(); ++i) {
    const std::string key = attributes["inputs"][i];
    g.output("d_" + key, first[i]);
    Value term = sum(first[i] * input("c_" + key));
    s = i == 0 ? term : s + term;
  }
  std::vector<Value> all = wrt;
  all.push_back(dy);
  const auto second = grad(s, all);
  for (size_t i = 0; i < wrt.size(); ++i)
    g.output("dd_" + attributes["inputs"][i].get<std::string>(), second[i]);
  g.output("dd_dy", second.back());

  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto program = backend->compile(g, *store, {});
  for (const auto& [key, tensor] : fed) program->write(key, *tensor);
  program->run(0);
  for (const auto& [key, value] : g.outputs()) {
    INFO(name << "/" << key);
    CHECK(program->read(key).shape() == fixture.at(name + "/" + key).shape());
    CHECK(error(program->read(key).as<double>(), fixture.at(name + "/" + key).as<double>()) <= tolerance);
  }
}

void check_optimizer(const Fixture& fixture, const std::string& name, const Json& a) {
  const std::string kind = a.at("op");
  const Tensor &p0 = fixture.at(name + "/p0"), &gradients = fixture.at(name + "/g");
  const Shape shape = p0.shape();
  OptimizerAttr attr{a.value("momentum", 0.0), a.value("alpha", 0.0), a.value("eps", 0.0),
                     a.value("weight_decay", 0.0)};
  if (kind == "adam") {
    attr.beta1 = a["betas"][0];
    attr.beta2 = a["betas"][1];
  }
  std::vector<std::string> slots{"momentum_buffer"};
  if (kind == "adam") slots = {"exp_avg", "exp_avg_sq"};
  if (kind == "rmsprop") slots = {"square_avg", "momentum_buffer"};

  Graph g;
  std::vector<Value> in{g.state("p", shape), g.input("g", shape)};
  for (const auto& slot : slots) in.push_back(g.state(slot, shape));
  in.push_back(g.scalar("lr"));
  if (kind == "adam") {
    in.push_back(g.scalar("correction1"));
    in.push_back(g.scalar("correction2"));
  }
  Value p = g.append(kind == "adam" ? Op::adam : kind == "sgd" ? Op::sgd : Op::rmsprop, in, attr);
  g.assign(in[0], p);
  for (size_t i = 0; i < slots.size(); ++i) g.assign(in[2 + i], g.port(p, static_cast<int>(1 + i)));
  g.output("gradient squares", g.port(p, static_cast<int>(1 + slots.size())));
  g.output("parameter squares", g.port(p, static_cast<int>(2 + slots.size())));

  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto program = backend->compile(g, *store, {});
  store->write("p", p0);
  program->set_scalar("lr", a.at("lr"));
  const auto n = static_cast<size_t>(shape.numel());
  for (size_t step = 0; step < static_cast<size_t>(gradients.shape()[0]); ++step) {
    const auto gradient = gradients.as<double>().subspan(step * n, n);
    program->write("g", Tensor::of<double>(shape, gradient));
    if (kind == "adam") {
      program->set_scalar("correction1", 1 - std::pow(attr.beta1, step + 1.0));
      program->set_scalar("correction2", 1 - std::pow(attr.beta2, step + 1.0));
    }
    program->run(step);
    INFO(name << " step " << step);
    const auto expected = fixture.at(name + "/p").as<double>().subspan(step * n, n);
    CHECK(error(store->read("p").as<double>(), expected) <= tolerance);
    double squares[2] = {0, 0};
    for (size_t i = 0; i < n; ++i) {
      squares[0] += gradient[i] * gradient[i];
      squares[1] += expected[i] * expected[i];
    }
    CHECK(program->read("gradient squares").as<double>()[0] == Approx(squares[0]).epsilon(1e-12));
    CHECK(program->read("parameter squares").as<double>()[0] == Approx(squares[1]).epsilon(1e-12));
  }
  for (const std::string slot : a.at("slots")) {
    INFO(name << "/" << slot);
    CHECK(error(store->read(slot).as<double>(), fixture.at(name + "/" + slot).as<double>()) <= tolerance);
  }
}

}  // namespace

// Were an op's definition not PyTorch's, weights trained elsewhere would give other images here, and papers'
// hyperparameters other results.
TEST_CASE("ops and their two derivatives equal PyTorch's in float64") {
  const Fixture fixture;
  const Json all = fixture.cases();
  for (const auto& [name, attributes] : all.items())
    if (!is_optimizer(attributes.at("op"))) check_op(fixture, name, attributes);
}

// Were an optimizer's formula another, learning rates from the literature would not carry over.
TEST_CASE("optimizers follow PyTorch's over five steps in float64") {
  const Fixture fixture;
  const Json all = fixture.cases();
  for (const auto& [name, attributes] : all.items())
    // Nesterov's momentum is no attribute of Op::sgd.
    if (is_optimizer(attributes.at("op")) && !attributes.value("nesterov", false))
      check_optimizer(fixture, name, attributes);
}
