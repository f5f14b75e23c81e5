#include <map>
#include <set>
#include <string>

#include "catch.h"
#include "cuda/simt/device/stream.h"

using namespace agon::simt;

namespace {

// Work that tells its name when it runs.
struct Recorder {
  History history;
  std::string order;
  Scheduler scheduler;
  std::map<std::string, OperationId> id;
  std::map<std::string, std::set<std::string>> known;  // what each knew to be before itself

  explicit Recorder(std::uint64_t seed)
      : scheduler(
            history, [this](const Work& w) { return run(w); }, seed) {}

  double run(const Work& work) {
    const std::string name(static_cast<const char*>(std::get<HostWork>(work).data));
    order += name;
    for (const auto& [other, number] : id) {
      if (history.before_current(number)) known[name].insert(other);
    }
    id[name] = history.current();
    return 1;
  }
  static Work named(const char* name) { return HostWork{nullptr, const_cast<char*>(name)}; }
};

}  // namespace

// Broken: work would run at the call, and a missing event between streams could never show.
TEST_CASE("nothing runs before the host waits, and seeds reach both orders of two streams",
          "[simt][stream]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    Recorder r(seed);
    Stream* a = r.scheduler.create_stream(false, 0);
    Stream* b = r.scheduler.create_stream(false, 0);
    r.scheduler.push(*a, Recorder::named("a"));
    r.scheduler.push(*b, Recorder::named("b"));
    CHECK(r.order.empty());
    r.scheduler.finish_all();
    orders.insert(r.order);
    CHECK(r.known["a"].empty());
    CHECK(r.known["b"].empty());
  }
  CHECK(orders == std::set<std::string>{"ab", "ba"});
}

// Broken: cudaStreamWaitEvent would not hold the second stream back.
TEST_CASE("an event orders two streams and carries the clock over", "[simt][stream]") {
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    Recorder r(seed);
    Stream* a = r.scheduler.create_stream(false, 0);
    Stream* b = r.scheduler.create_stream(false, 0);
    r.scheduler.push(*a, Recorder::named("a"));
    const MomentPtr event = r.scheduler.mark(*a);
    r.scheduler.push(*a, Recorder::named("c"));
    r.scheduler.wait(*b, event);
    r.scheduler.push(*b, Recorder::named("b"));
    r.scheduler.finish_all();
    CHECK(r.order.find('a') < r.order.find('b'));
    CHECK(r.known["b"] == std::set<std::string>{"a"});
    CHECK(event->time == 1);
  }
}

// Broken: programs that lean on the legacy default stream would see false races, or hide true ones.
TEST_CASE("the default stream waits for blocking streams and they for it, others do not", "[simt][stream]") {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Recorder r(seed);
    Stream* blocking = r.scheduler.create_stream(true, 0);
    Stream* other = r.scheduler.create_stream(false, 0);
    r.scheduler.push(*other, Recorder::named("o"));
    r.scheduler.push(*blocking, Recorder::named("a"));
    r.scheduler.push(r.scheduler.default_stream(), Recorder::named("d"));
    r.scheduler.push(*blocking, Recorder::named("b"));
    r.scheduler.finish_all();
    CHECK(r.known["d"] == std::set<std::string>{"a"});
    CHECK(r.known["b"] == std::set<std::string>{"a", "d"});
    CHECK(r.known["o"].empty());
  }
}

// Broken: what the host waited for would count as unordered with what it launches next.
TEST_CASE("a wait of the host orders all that comes later", "[simt][stream]") {
  Recorder r(1);
  Stream* a = r.scheduler.create_stream(false, 0);
  Stream* b = r.scheduler.create_stream(false, 0);
  r.scheduler.push(*a, Recorder::named("a"));
  r.scheduler.finish(a->tail);
  r.scheduler.push(*b, Recorder::named("b"));
  r.scheduler.finish_all();
  CHECK(r.known["b"] == std::set<std::string>{"a"});
}

// Broken: branches of a graph would run in the order of capture and hide a missing edge.
TEST_CASE("a graph's branches run in any order, its edges hold", "[simt][stream]") {
  Graph graph;
  GraphNode* root = graph.add(Recorder::named("r"), {});
  GraphNode* left = graph.add(Recorder::named("x"), {root});
  GraphNode* right = graph.add(Recorder::named("y"), {root});
  graph.add(Recorder::named("z"), {left, right});
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    Recorder r(seed);
    const auto exec = r.scheduler.instantiate(std::make_shared<GraphPlan>(graph));
    CHECK(exec->chains.size() == 2);
    r.scheduler.push(r.scheduler.default_stream(), *exec);
    r.scheduler.push(r.scheduler.default_stream(), Recorder::named("e"));
    r.scheduler.finish_all();
    orders.insert(r.order);
    CHECK(r.known["x"] == std::set<std::string>{"r"});
    CHECK(r.known["y"] == std::set<std::string>{"r"});
    CHECK(r.known["z"] == std::set<std::string>{"r", "x", "y"});
    CHECK(r.known["e"] == std::set<std::string>{"r", "x", "y", "z"});
    CHECK(r.scheduler.default_stream().tail->time == 4);
  }
  CHECK(orders == std::set<std::string>{"rxyze", "ryxze"});
}

// Broken: two launches of one graph could interleave, which no device does.
TEST_CASE("launches of one graph from two streams follow each other", "[simt][stream]") {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Recorder r(seed);
    Graph graph;
    graph.add(Recorder::named("b"), {graph.add(Recorder::named("a"), {})});
    const auto exec = r.scheduler.instantiate(std::make_shared<GraphPlan>(graph));
    r.scheduler.push(*r.scheduler.create_stream(false, 0), *exec);
    r.scheduler.push(*r.scheduler.create_stream(false, 0), *exec);
    r.scheduler.finish_all();
    CHECK(r.order == "abab");
  }
}

// Broken: a child graph's nodes would lose their place between the parent's.
TEST_CASE("child graphs are laid open in place; a circle is refused", "[simt][stream]") {
  Graph child;
  child.add(Recorder::named("y"), {child.add(Recorder::named("x"), {})});
  Graph graph;
  GraphNode* first = graph.add(Recorder::named("a"), {});
  GraphNode* middle = graph.add_child(child, {first});
  graph.add(Recorder::named("b"), {middle});
  Recorder r(3);
  const auto exec = r.scheduler.instantiate(std::make_shared<GraphPlan>(graph));
  r.scheduler.push(r.scheduler.default_stream(), *exec);
  r.scheduler.finish_all();
  CHECK(r.order == "axyb");
  first->before.push_back(middle);
  CHECK_THROWS_WITH(GraphPlan(graph), Catch::Matchers::Contains("circle"));
}
