#pragma once
#include <map>
#include <memory>
#include <string>

#include "agon/game.h"
#include "agon/program.h"

namespace agon {

/// A game on the reference backend, with its states initialised.
class ReferenceRun {
 public:
  explicit ReferenceRun(const Config& config, uint64_t seed = 1) : game(config) {
    game.initialise(*store, seed);
  }

  /// Compiles `graph`, feeds `inputs` and the scalars of `step` (of 0), and runs it once.
  std::unique_ptr<Program> run(const Graph& graph, uint64_t step,
                               const std::map<std::string, Tensor>& inputs = {}) {
    auto program = backend->compile(graph, *store, {});
    for (const auto& [name, value] : inputs) program->write(name, value);
    for (const Node& node : graph.nodes())
      if (node.op == Op::scalar)
        for (const auto& scalar : game.scalars(step, 0))
          if (scalar.name == node.name) program->set_scalar(scalar.name, scalar.value);
    program->run(step);
    return program;
  }

  std::shared_ptr<Backend> backend = open_backend("reference");
  std::unique_ptr<Store> store = backend->make_store();
  Game game;
};

}  // namespace agon
