// The addon that Node loads: it makes the ops known to TensorFlow and hands out the thread count and what the convolutions have done.
#include <node_api.h>

#include <malloc.h>

#include "count.h"
#include "op.h"

namespace {

napi_value threads(napi_env env, napi_callback_info info) {
  size_t n = 1;
  napi_value argument, result;
  napi_get_cb_info(env, info, &n, &argument, nullptr, nullptr);
  int32_t wanted = 0;
  if (n > 0 && napi_get_value_int32(env, argument, &wanted) == napi_ok && wanted > 0) scnas::Pool::get().set_threads(wanted);
  napi_create_int32(env, scnas::Pool::get().threads(), &result);
  return result;
}

// Multiply-adds since the last call.
napi_value multiply_adds(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_double(env, double(scnas::multiply_adds_done.exchange(0)), &result);
  return result;
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  // A tensor of a few megabytes would come from mmap and fault in page by page, on every op.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

napi_value start(napi_env env, napi_value exports) {
  static std::once_flag once;
  try {
    std::call_once(once, [] {
      keep_freed_memory();
      scnas::define_basics();
      scnas::define_convolutions();
      scnas::define_pools();
      scnas::define_dag();
      scnas::define_training();
      scnas::define_up();
    });
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return exports;
  }
  napi_value fn;
  napi_create_function(env, "threads", NAPI_AUTO_LENGTH, threads, nullptr, &fn);
  napi_set_named_property(env, exports, "threads", fn);
  napi_create_function(env, "multiplyAdds", NAPI_AUTO_LENGTH, multiply_adds, nullptr, &fn);
  napi_set_named_property(env, exports, "multiplyAdds", fn);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, start)
