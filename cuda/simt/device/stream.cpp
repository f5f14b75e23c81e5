#include "cuda/simt/device/stream.h"

#include <algorithm>
#include <utility>

#include "agon/error.h"

namespace agon::simt {

// A launch of a graph that has begun.
struct GraphRun {
  explicit GraphRun(const GraphExec& exec) : plan(exec.plan), chains(exec.chains) {}

  std::shared_ptr<const GraphPlan> plan;
  std::vector<std::size_t> chains;
  bool started = false;
  std::vector<std::uint32_t> missing;  // by node: those it still waits for
  std::vector<std::uint32_t> ready;
  std::vector<Clock> clocks;  // by node: what it knows
  std::vector<double> starts;
  std::size_t left = 0;
  Clock end_clock;
  double end_time = 0;
};

Scheduler::Scheduler(History& history, Execute execute, std::uint64_t seed)
    : history_(history), execute_(std::move(execute)), random_(seed) {
  create_stream(true, 0);
}

std::size_t Scheduler::take_chain() {
  // A chain may be used again where the host has seen its end: all that comes later is then ordered after it.
  for (auto chain = free_chains_.begin(); chain != free_chains_.end(); ++chain) {
    if ((*host_clock_)[*chain] >= history_.newest(*chain)) {
      const std::size_t taken = *chain;
      free_chains_.erase(chain);
      return taken;
    }
  }
  return chains_++;
}

Stream* Scheduler::create_stream(bool blocking, int priority) {
  auto stream = std::make_unique<Stream>();
  stream->blocking = blocking;
  stream->priority = priority;
  stream->id = next_id_++;
  stream->chain = take_chain();
  stream->tail = std::make_shared<Moment>();
  stream->tail->reached = true;
  streams_.push_back(std::move(stream));
  return streams_.back().get();
}

void Scheduler::destroy_stream(Stream* stream) {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s.get() == stream; });
  if (stream->queue.empty()) {
    free_chains_.push_back(stream->chain);
  } else {
    destroyed_.push_back(std::move(*found));
  }
  streams_.erase(found);
}

bool Scheduler::owns(const Stream* stream) const {
  return std::any_of(streams_.begin(), streams_.end(), [&](const auto& s) { return s.get() == stream; });
}

std::vector<Stream*> Scheduler::streams() const {
  std::vector<Stream*> all;
  for (const auto& stream : streams_) all.push_back(stream.get());
  return all;
}

std::unique_ptr<GraphExec> Scheduler::instantiate(std::shared_ptr<GraphPlan> plan) {
  auto exec = std::make_unique<GraphExec>();
  for (std::uint32_t path = 0; path < plan->paths; ++path) exec->chains.push_back(take_chain());
  exec->plan = std::move(plan);
  return exec;
}

void Scheduler::retire(GraphExec& exec) {
  if (exec.last && !exec.last->reached) return;  // it still runs: its chains are never used again
  free_chains_.insert(free_chains_.end(), exec.chains.begin(), exec.chains.end());
}

Stream::Item& Scheduler::append(Stream& stream) {
  Stream::Item item;
  Stream& legacy = default_stream();
  if (&stream == &legacy) {
    for (const auto& other : streams_) {
      if (other->blocking && other.get() != &legacy) item.after.push_back(other->tail);
    }
    for (const auto& other : destroyed_) {
      if (other->blocking) item.after.push_back(other->tail);
    }
  } else if (stream.blocking) {
    item.after.push_back(legacy.tail);
  }
  item.after.push_back(stream.tail);
  item.host = host_clock_;
  item.host_time = host_time_;
  item.done = std::make_shared<Moment>();
  stream.tail = item.done;
  stream.queue.push_back(std::move(item));
  return stream.queue.back();
}

void Scheduler::push(Stream& stream, Work work) {
  append(stream).what = std::move(work);
}

void Scheduler::push(Stream& stream, GraphExec& exec) {
  Stream::Item& item = append(stream);
  item.what = std::make_shared<GraphRun>(exec);
  if (exec.last) item.after.push_back(exec.last);
  exec.last = item.done;
}

MomentPtr Scheduler::mark(Stream& stream) {
  return append(stream).done;
}

void Scheduler::wait(Stream& stream, MomentPtr moment) {
  append(stream).after.push_back(std::move(moment));
}

Clock Scheduler::known(const Stream::Item& item) {
  Clock clock = *item.host;
  for (const MomentPtr& moment : item.after) clock.join(moment->clock);
  return clock;
}

double Scheduler::start_time(const Stream::Item& item) {
  double time = item.host_time;
  for (const MomentPtr& moment : item.after) time = std::max(time, moment->time);
  return time;
}

void Scheduler::begin(GraphRun& run, const Stream::Item& item) {
  const std::size_t count = run.plan->nodes.size();
  run.started = true;
  run.left = count;
  run.end_clock = known(item);
  run.end_time = start_time(item);
  run.clocks.assign(count, run.end_clock);
  run.starts.assign(count, run.end_time);
  run.missing.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    run.missing[i] = static_cast<std::uint32_t>(run.plan->nodes[i].before.size());
    if (run.missing[i] == 0) run.ready.push_back(i);
  }
}

std::vector<Scheduler::Candidate> Scheduler::candidates() {
  std::vector<Candidate> found;
  for (const auto* group : {&streams_, &destroyed_}) {
    for (const auto& stream : *group) {
      if (stream->queue.empty()) continue;
      const Stream::Item& item = stream->queue.front();
      const bool may_start =
          std::all_of(item.after.begin(), item.after.end(), [](const MomentPtr& m) { return m->reached; });
      if (!may_start) continue;
      const auto* graph = std::get_if<std::shared_ptr<GraphRun>>(&item.what);
      if (graph && !(*graph)->started) begin(**graph, item);
      if (graph && (*graph)->left > 0) {
        for (std::size_t i = 0; i < (*graph)->ready.size(); ++i) found.push_back({stream.get(), i});
      } else {
        found.push_back({stream.get(), 0});
      }
    }
  }
  return found;
}

void Scheduler::pop(Stream& stream, Clock clock, double time) {
  Moment& done = *stream.queue.front().done;
  done.reached = true;
  done.clock = std::move(clock);
  done.time = time;
  stream.queue.pop_front();
  if (stream.queue.empty()) {
    std::erase_if(destroyed_, [&](const auto& s) {
      if (s.get() == &stream) free_chains_.push_back(stream.chain);
      return s.get() == &stream;
    });
  }
}

void Scheduler::run_head(Stream& stream) {
  const Stream::Item& item = stream.queue.front();
  Clock clock = known(item);
  double time = start_time(item);
  if (const auto* graph = std::get_if<std::shared_ptr<GraphRun>>(&item.what)) {
    clock = (*graph)->end_clock;  // a graph without any node
  } else if (const Work* work = std::get_if<Work>(&item.what)) {
    history_.begin(stream.chain, std::move(clock));
    time += execute_(*work);
    clock = history_.clock();
  }
  pop(stream, std::move(clock), time);
}

void Scheduler::run_node(Stream& stream, std::size_t ready) {
  const auto run = std::get<std::shared_ptr<GraphRun>>(stream.queue.front().what);
  const std::uint32_t index = run->ready[ready];
  run->ready.erase(run->ready.begin() + static_cast<std::ptrdiff_t>(ready));
  const GraphPlan::Node& node = run->plan->nodes[index];
  history_.begin(run->chains[node.path], std::move(run->clocks[index]));
  const double end = run->starts[index] + execute_(node.work);
  const Clock& clock = history_.clock();
  for (const std::uint32_t next : node.after) {
    run->clocks[next].join(clock);
    run->starts[next] = std::max(run->starts[next], end);
    if (--run->missing[next] == 0) run->ready.push_back(next);
  }
  run->end_clock.join(clock);
  run->end_time = std::max(run->end_time, end);
  if (--run->left == 0) pop(stream, std::move(run->end_clock), run->end_time);
}

bool Scheduler::step() {
  const std::vector<Candidate> all = candidates();
  if (all.empty()) return false;
  const Candidate& chosen = all[random_() % all.size()];
  const auto* graph = std::get_if<std::shared_ptr<GraphRun>>(&chosen.stream->queue.front().what);
  executing_ = true;
  if (graph && (*graph)->left > 0) {
    run_node(*chosen.stream, chosen.ready);
  } else {
    run_head(*chosen.stream);
  }
  executing_ = false;
  if (std::exchange(abandoned_, false)) drop_all();
  return true;
}

void Scheduler::seen(const Moment& moment) {
  auto clock = std::make_shared<Clock>(*host_clock_);
  clock->join(moment.clock);
  host_clock_ = std::move(clock);
  host_time_ = std::max(host_time_, moment.time);
}

void Scheduler::begin_host_operation() {
  history_.begin(0, *host_clock_);
  host_clock_ = std::make_shared<Clock>(history_.clock());
}

void Scheduler::finish(const MomentPtr& moment) {
  while (!moment->reached) {
    check(step(), ErrorKind::internal, "the simulated device waits for work that can never run");
  }
  seen(*moment);
}

void Scheduler::finish_all() {
  while (step()) {
  }
  for (const auto& stream : streams_) {
    check(stream->queue.empty(), ErrorKind::internal,
          "the simulated device waits for work that can never run");
    seen(*stream->tail);
  }
}

void Scheduler::abandon() {
  if (executing_) {
    abandoned_ = true;
  } else {
    drop_all();
  }
}

void Scheduler::drop_all() {
  for (auto* group : {&streams_, &destroyed_}) {
    for (auto& stream : *group) {
      for (Stream::Item& item : stream->queue) item.done->reached = true;
      stream->queue.clear();
    }
  }
  destroyed_.clear();
}

}  // namespace agon::simt
