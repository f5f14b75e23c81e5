#include "backend/cpu/kernels/window.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {

void lower_window(Lowering& l, const Node& node) {
  const Shape in = l.info(node.inputs[0]).shape, out = l.info(node.outputs[0]).shape;
  Step step{std::string(name_of(node.op)),
            node.name,
            out.str(),
            {},
            {},
            0,
            4.0 * static_cast<double>(in.numel() + out.numel())};
  const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
  switch (node.op) {
    case Op::avg_pool: {
      const auto pool = pool_geometry(in, node.get<Window>());
      step.run = [=](const Frame& f) { avg_pool(pool, f.at(x), f.at(y)); };
      break;
    }
    case Op::avg_pool_grad: {
      const auto pool = pool_geometry(out, node.get<Window>());
      step.run = [=](const Frame& f) { avg_pool_grad(pool, f.at(x), f.at(y)); };
      break;
    }
    case Op::max_pool: {
      const auto pool = pool_geometry(in, node.get<Window>());
      const Ref index = l.put(node.outputs[1]);
      step.run = [=](const Frame& f) { max_pool(pool, f.at(x), f.at(y), f.at<int32_t>(index)); };
      break;
    }
    case Op::max_pool_grad: {
      const auto pool = pool_geometry(out, node.get<Window>());
      const Ref index = l.get(node.inputs[1]);
      step.run = [=](const Frame& f) { max_pool_grad(pool, f.at(x), f.at<int32_t>(index), f.at(y)); };
      break;
    }
    case Op::max_pool_take: {
      const auto pool = pool_geometry(in, node.get<Window>());
      const Ref index = l.get(node.inputs[1]);
      step.run = [=](const Frame& f) { max_pool_take(pool, f.at(x), f.at<int32_t>(index), f.at(y)); };
      break;
    }
    case Op::resize:
      step.run = [=, kernel = ResizeKernel(in, out, node.get<ResizeAttr>().mode)](const Frame& f) {
        kernel.run(f.at(x), f.at(y));
      };
      break;
    default:
      step.run = [=, kernel = ResizeKernel(out, in, node.get<ResizeAttr>().mode)](const Frame& f) {
        kernel.run_grad(f.at(x), f.at(y));
      };
  }
  l.emit(std::move(step));
}

}  // namespace agon::cpu
