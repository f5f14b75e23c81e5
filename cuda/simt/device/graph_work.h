// What the device may be asked to do, and graphs of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "cuda/simt/machine/machine.h"

namespace agon::simt {

struct Function;

struct KernelWork {
  const Function* function = nullptr;
  Dim3 grid, block;
  std::uint32_t dynamic_shared = 0;
  bool cooperative = false;
  std::vector<std::byte> params;  // as the kernel's .param space
};

// `height` rows of `width` bytes; the ends may be on the host or on the device.
struct CopyWork {
  void* to = nullptr;
  std::size_t to_pitch = 0;
  const void* from = nullptr;
  std::size_t from_pitch = 0;
  std::size_t width = 0, height = 1;
  std::shared_ptr<const std::vector<std::byte>> staged;  // the source as it was at the call, densely packed
};

struct FillWork {
  void* to = nullptr;
  std::size_t pitch = 0;
  std::uint32_t value = 0;
  std::uint32_t element = 1;          // bytes of value used: 1, 2 or 4
  std::size_t width = 0, height = 1;  // elements, rows
};

struct HostWork {
  void (*function)(void*) = nullptr;
  void* data = nullptr;
};

struct FreeWork {
  void* pointer = nullptr;
};

struct EmptyWork {};

using Work = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, FreeWork>;

class Graph;

struct GraphNode {
  Graph* graph = nullptr;
  Work work;
  std::shared_ptr<Graph> child;    // instead of work
  std::vector<GraphNode*> before;  // what it waits for, without repetition
  std::vector<void*> arguments;    // of a kernel, as the API last handed them out
};

// A graph that is built, node by node or by capture.
class Graph {
 public:
  Graph() = default;
  Graph(const Graph& other) : Graph() { append(other); }
  Graph& operator=(const Graph&) = delete;

  GraphNode* add(Work work, const std::vector<GraphNode*>& before);
  GraphNode* add_child(const Graph& child, const std::vector<GraphNode*>& before);
  // Removes a node and the edges that touch it.
  void remove(GraphNode* node);
  bool owns(const GraphNode* node) const;
  const std::vector<std::unique_ptr<GraphNode>>& nodes() const { return nodes_; }
  // Nodes that no other node waits for.
  std::vector<GraphNode*> leaves() const;

 private:
  void append(const Graph& other);
  std::vector<std::unique_ptr<GraphNode>> nodes_;
};

// A graph made ready to run: child graphs laid open, nodes in an order that respects the edges.
struct GraphPlan {
  struct Node {
    Work work;
    const GraphNode* origin =
        nullptr;  // the node of the graph that was instantiated; null inside child graphs
    std::vector<std::uint32_t> before, after;
    std::uint32_t path = 0;  // which of the plan's paths it lies on
  };
  std::vector<Node> nodes;
  std::uint32_t paths = 0;

  // Throws agon::Error(usage) where the edges form a circle.
  explicit GraphPlan(const Graph& graph);
  // Whether both have the same edges and the same kind of work in each node.
  bool same_shape(const GraphPlan& other) const;

 private:
  void lay_open(const Graph& graph, const std::vector<std::uint32_t>& entry, bool top,
                std::vector<std::uint32_t>& exits);
  void find_paths();
};

}  // namespace agon::simt
