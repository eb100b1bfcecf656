/**
 * Loads TensorFlow's library with stderr closed. While it loads it greets with two lines that TF_CPP_MIN_LOG_LEVEL, read later, cannot
 * silence, and that would stand above every command's output and in every notebook. TF_CPP_MIN_LOG_LEVEL=0 lets them through.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdlib>

static void load_quietly() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  if (!level || *level == '0') return;
  const int kept = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (kept < 0 || nowhere < 0) return;
  dup2(nowhere, STDERR_FILENO);
  dlopen(TENSORFLOW_FRAMEWORK, RTLD_NOW);
  dup2(kept, STDERR_FILENO);
  close(nowhere);
  close(kept);
}

NAPI_MODULE_INIT() {
  static bool loaded = false;
  if (!loaded) load_quietly();
  loaded = true;
  return exports;
}
