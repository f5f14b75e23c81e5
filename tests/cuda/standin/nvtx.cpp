// Stands in for a profiler: NVTX loads what NVTX_INJECTION64_PATH names and lets it put its own functions in
// place. This one keeps the names of ranges.
#include <nvtx3/nvToolsExt.h>
#include <string>

namespace {

std::string names;
int depth = 0;

int push(const char* name) {
  names += name;
  names += '\n';
  return depth++;
}

int pop() {
  return --depth;
}

}  // namespace

extern "C" {

int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t tables) {
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(tables(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned size = 0;
  if (callbacks == nullptr || callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size) == 0)
    return 0;
  *table[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push);
  *table[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  return 1;
}

/// The ranges opened so far, a line each.
const char* standin_ranges() {
  return names.c_str();
}

/// How many are open.
int standin_depth() {
  return depth;
}

}  // extern "C"
