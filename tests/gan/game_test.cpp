#include "agon/game.h"

#include <cmath>
#include <map>

#include "agon/error.h"

#include "catch.h"

using namespace agon;

namespace {

std::string refusal(std::string_view preset, std::vector<std::string> settings) {
  Config config = Config::preset(preset);
  try {
    for (const auto& s : settings) config.set(s);
    Game game(config);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

int count(const Graph& graph, Op op) {
  int n = 0;
  for (const Node& node : graph.nodes()) n += node.op == op ? 1 : 0;
  return n;
}

}  // namespace

// A preset would not build, or its graph would read state that an in-place update has overwritten.
TEST_CASE("every preset makes valid graphs", "[game]") {
  for (const auto& preset : Config::presets()) {
    INFO(preset.name);
    const Game game(Config::preset(preset.name));
    for (int variant = 0; variant < game.variants(); ++variant) {
      const Graph graph = game.iteration(4, {variant, false, true});
      CHECK_NOTHROW(verify(graph));
      int leaves = 0;
      for (const Node& node : graph.nodes()) leaves += node.op == Op::input ? 1 : 0;
      CHECK(leaves == static_cast<int>(game.inputs(4, {variant, false, false}).size()));
    }
    if (!game.generator().empty()) {
      const Graph sampler = game.sampler(4);
      CHECK(sampler.outputs().front().first == "images");
      CHECK(game.latent_size() > 0);
    }
  }
}

// The networks would not be PyTorch's: other widths, a bias too many, weights that cannot be exchanged.
TEST_CASE("dcgan-64 has the parameters of PyTorch's example", "[game]") {
  const Game game(Config::preset("dcgan-64"));
  CHECK(game.network("G").parameter_count() == 3576704);
  CHECK(game.network("D").parameter_count() == 2765568);
  CHECK(game.network("G").output() == Shape{64, 64, 3});
  CHECK(game.network("D").output() == Shape{1, 1, 1});
  std::map<std::string, std::string> disk;
  for (const auto& p : game.network("G").parameters()) disk[p.name] = p.disk.str();
  CHECK(disk.size() == 13);
  CHECK(disk.at("main.0.weight") == "[100, 512, 4, 4]");
  CHECK(disk.at("main.1.bias") == "[512]");
  CHECK(disk.at("main.12.weight") == "[64, 3, 4, 4]");
  disk.clear();
  for (const auto& p : game.network("D").parameters()) disk[p.name] = p.disk.str();
  CHECK(disk.at("main.2.weight") == "[128, 64, 4, 4]");
  CHECK(disk.at("main.11.weight") == "[1, 512, 4, 4]");
  const auto rows = game.layer_table();
  CHECK(rows.front().module == "main.0");
  CHECK(rows.front().type == "conv_transpose");
  CHECK(rows.front().output == Shape{4, 4, 512});
  CHECK(rows.front().parameters == 100 * 512 * 16);
}

// G's move would pay for D's weight gradients, or D's for G's: the iteration would cost more than it must.
TEST_CASE("a move computes no gradients of the other player's weights", "[game]") {
  // D: 4 convolutions of which the last is a matmul; G: 3 transposed ones behind a matmul.
  const Graph graph = Game(Config::preset("dcgan-cifar10")).iteration(4);
  // Weight gradients of D for real and fake (3 each) and of G (3).
  CHECK(count(graph, Op::conv_weight_grad) == 9);
  // G runs once an iteration, D three times.
  CHECK(count(graph, Op::conv) == 3 * 3 + 3);
  CHECK(count(graph, Op::batch_norm_train) == 3 + 3 * 2);
}

// Learning rates and Adam's corrections would count the wrong updates: n_critic and lazy moves move t
// differently.
TEST_CASE("scalars count each player's updates", "[game]") {
  Config config = Config::preset("wgan-gp");
  config.set("players.D.schedule={type=\"linear\", begin=0.5}");
  config.set("players.G.ema={decay=0.99, warmup=true}");
  config.set("players.G.optimizer.beta1=0.5");
  const Game game(config);
  std::map<std::string, double> at;
  for (const auto& s : game.scalars(3, 8)) at[s.name] = s.value;
  CHECK(at.at("D.lr") == Approx(2e-4));
  CHECK(at.at("D.0.correction2") == Approx(1 - std::pow(0.9, 16)));
  CHECK(at.at("D.4.correction2") == Approx(1 - std::pow(0.9, 20)));
  CHECK(at.at("D.4.correction1") == 1);
  CHECK(at.at("G.0.correction1") == Approx(1 - std::pow(0.5, 4)));
  CHECK(at.at("G.ema_weight") == Approx(1 - 4.0 / 13));
  for (const auto& s : game.scalars(6, 8)) at[s.name] = s.value;
  CHECK(at.at("D.lr") == Approx(1e-4));
  CHECK(game.draws() == 5);
  CHECK(game.inputs(4)[4].name == "real.4");

  // Every scalar leaf of the graph is among them.
  const Graph graph = game.iteration(4);
  for (const Node& node : graph.nodes())
    if (node.op == Op::scalar) CHECK(at.contains(node.name));
}

// A lazy regulariser would run every step, or never.
TEST_CASE("lazy moves make variants", "[game]") {
  Config config = Config::preset("dcgan-mnist");
  config.set(
      "moves=[{player=\"D\", losses=[{type=\"adversarial\", objective=\"bce\"}]},"
      "{player=\"G\", losses=[{type=\"adversarial\", objective=\"bce\"}]},"
      "{player=\"D\", name=\"R1\", every=4, losses=[{type=\"r1\", gamma=2}]}]");
  const Game game(config);
  REQUIRE(game.variants() == 2);
  CHECK(game.variant(0) == 0);
  CHECK(game.variant(1) == 1);
  CHECK(game.variant(4) == 0);
  CHECK(game.draws(0) == 2);
  CHECK(game.draws(1) == 1);
  CHECK_NOTHROW(verify(game.iteration(4)));
  std::map<std::string, double> at;
  for (const auto& s : game.scalars(5, 100)) at[s.name] = s.value;
  // Before step 5, D was updated 5 times by its own move and at steps 0 and 4 by R1.
  CHECK(at.at("D.0.correction1") == Approx(1 - std::pow(0.5, 8)));
}

// A config that describes no game would crash or train nonsense.
TEST_CASE("a game that cannot be is refused with its place", "[game]") {
  CHECK(refusal("dcgan-mnist", {"players.E={networks=[\"D\"]}"}).find("belongs to 2 players") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"moves[0].player=DD"}) ==
        "--set moves[0].player=DD: there is no player 'DD' (did you mean 'D'?)");
  CHECK(refusal("dcgan-mnist", {"moves[0].losses[0].objective=hing"}) ==
        "--set moves[0].losses[0].objective=hing: unknown objective 'hing' (did you mean 'hinge'?)");
  CHECK(refusal("dcgan-mnist", {"moves[0].losses[0].objective=hinge"}).find("smoothed") != std::string::npos);
  CHECK(refusal("dcgan-mnist", {"networks.D.layers[0].type=convv"}) ==
        "--set networks.D.layers[0].type=convv: unknown layer type 'convv' (did you mean 'conv'?)");
  CHECK(refusal("dcgan-mnist", {"networks.D.layers[3].kernel=4"}).find("takes no 'kernel'") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"networks.D.layers[0].activation=leaky_rel(0.2)"}).find("'leaky_relu'") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"networks.D.layers[0].kernel=64"}).find("larger than the padded image") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"networks.G.init.weight=normal(0)"}).find("takes 2 numbers, not 1") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"data.height=32"}) == "no error");
  CHECK(refusal("dcgan-mnist", {"data.height=30"}).find("does not come out even") != std::string::npos);
  CHECK(refusal("dcgan-64", {"data.height=32"}).find("larger than the padded image") != std::string::npos);
  CHECK(refusal("dcgan-mnist", {"moves[0].every=2", "moves[1].every=2"}).find("every = 1") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"players.D.optimizer.alpha=0.9"}).find("adam has no 'alpha'") !=
        std::string::npos);
  CHECK(refusal("dcgan-mnist", {"players.D.optimizer.beta1=1.5"}).find("[0, 1)") != std::string::npos);
  CHECK(refusal("dcgan-mnist", {"moves[1].name=D"}).find("two moves are called 'D'") != std::string::npos);
}
