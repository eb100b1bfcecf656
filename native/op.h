// One TensorFlow op from one record: its face, and what it computes. Through the kernel C API (tensorflow/c), so that no
// C++ ABI is shared with TensorFlow.
//
//   struct Twice {
//     static constexpr const char* name = "ScnasTwice";
//     static constexpr const char* face[] = {"in x: float", "out y: float", "attr stride: int"};
//     int stride;
//     explicit Twice(const Attributes& a) : stride(a.integer("stride")) {}
//     void compute(Call& call) const { ... }
//   };
//   define<Twice>();
//
// Anything wrong with the arguments is thrown as `Refusal` and reaches the caller as TensorFlow's InvalidArgument.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "parallel.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace scnas {

struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline std::string text(const std::vector<int64_t>& dims) {
  std::string s = "[";
  for (size_t i = 0; i < dims.size(); i++) s += (i ? ", " : "") + std::to_string(dims[i]);
  return s + "]";
}

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  TF_Status* get() { return status_; }
  void check() {
    if (TF_GetCode(status_) != TF_OK) throw std::runtime_error(TF_Message(status_));
  }

 private:
  TF_Status* status_;
};

// The attributes of an op, read when TensorFlow builds its kernel.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}
  int integer(const char* name) const {
    Status status;
    int32_t value = 0;
    TF_OpKernelConstruction_GetAttrInt32(construction_, name, &value, status.get());
    status.check();
    return value;
  }
  float real(const char* name) const {
    Status status;
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status.get());
    status.check();
    return value;
  }
  bool flag(const char* name) const {
    Status status;
    TF_Bool value = 0;
    TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status.get());
    status.check();
    return value != 0;
  }

 private:
  TF_OpKernelConstruction* construction_;
};

// One run of an op: its inputs and outputs.
class Call {
 public:
  Call(TF_OpKernelContext* context, const char* name) : context_(context), name_(name) {}
  ~Call() {
    for (TF_Tensor* tensor : owned_) TF_DeleteTensor(tensor);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  int inputs() const { return TF_NumInputs(context_); }

  std::vector<int64_t> dims(int i) {
    TF_Tensor* tensor = input(i);
    std::vector<int64_t> out(size_t(TF_NumDims(tensor)));
    for (size_t k = 0; k < out.size(); k++) out[k] = TF_Dim(tensor, int(k));
    return out;
  }
  int64_t count(int i) { return TF_TensorElementCount(input(i)); }
  const float* data(int i) { return static_cast<const float*>(TF_TensorData(input(i))); }
  const int32_t* whole(int i) { return static_cast<const int32_t*>(TF_TensorData(input(i))); }
  const uint8_t* bytes(int i) { return static_cast<const uint8_t*>(TF_TensorData(input(i))); }

  // The k-th number of an int32 input, which must be a place in an array of `size`.
  int64_t index(int i, int64_t k, int64_t size) {
    const int64_t at = static_cast<const int32_t*>(TF_TensorData(input(i)))[k];
    if (at < 0 || at >= size) refuse(i, "places below " + std::to_string(size) + " (one is " + std::to_string(at) + ")");
    return at;
  }

  int64_t integer(int i, int64_t k) { return static_cast<const int32_t*>(TF_TensorData(input(i)))[k]; }

  // An input that must be [batch, x, y, z, channel] with at least one element.
  Shape volume(int i) {
    const auto d = dims(i);
    if (d.size() != 5) refuse(i, "[batch, x, y, z, channel]");
    for (const int64_t n : d)
      if (n < 1) refuse(i, "a tensor without empty axes");
    return {d[0], d[1], d[2], d[3], d[4]};
  }
  void expect(int i, const std::vector<int64_t>& wanted) {
    if (dims(i) != wanted) refuse(i, text(wanted));
  }
  void expect_shape(int i, const Shape& s) { expect(i, {s.n, s.d, s.h, s.w, s.c}); }
  // A value for each channel, or empty for none.
  const float* optional(int i, int64_t channels) {
    if (count(i) == 0) return nullptr;
    expect(i, {channels});
    return data(i);
  }

  [[noreturn]] void refuse(int i, const std::string& expected) {
    throw Refusal(std::string(name_) + ": input " + std::to_string(i) + ": expected " + expected + ", found " + text(dims(i)));
  }

  float* out(int i, const std::vector<int64_t>& shape) { return static_cast<float*>(allocate(i, TF_FLOAT, 4, shape)); }
  float* out_shape(int i, const Shape& s) { return out(i, std::vector<int64_t>{s.n, s.d, s.h, s.w, s.c}); }
  // An input that the caller alone holds and lets be written over.
  float* own(int i) { return static_cast<float*>(TF_TensorData(input(i))); }
  // Such an input as output i.
  float* reuse(int i, int from) {
    Status status;
    TF_SetOutput(context_, i, input(from), status.get());
    status.check();
    return own(from);
  }
  uint8_t* out_bytes(int i, const std::vector<int64_t>& shape) {
    return static_cast<uint8_t*>(allocate(i, TF_UINT8, 1, shape));
  }

 private:
  TF_Tensor* input(int i) {
    if (inputs_.size() <= size_t(i)) inputs_.resize(size_t(i) + 1, nullptr);
    if (!inputs_[size_t(i)]) {
      Status status;
      TF_GetInput(context_, i, &inputs_[size_t(i)], status.get());
      status.check();
      owned_.push_back(inputs_[size_t(i)]);
    }
    return inputs_[size_t(i)];
  }
  void* allocate(int i, TF_DataType type, int64_t bytes, const std::vector<int64_t>& shape) {
    for (const int64_t n : shape) bytes *= n;
    Status status;
    const int axes = int(shape.size());
    void* room = size_t(bytes) >= Arena::kLeast ? Arena::get().take(size_t(bytes)) : nullptr;
    const auto give = [](void* data, size_t, void*) { Arena::get().give(data); };
    TF_Tensor* tensor = room ? TF_NewTensor(type, shape.data(), axes, room, size_t(bytes), give, nullptr)
                             : TF_AllocateOutput(context_, i, type, shape.data(), axes, size_t(bytes), status.get());
    if (tensor) owned_.push_back(tensor);
    status.check();
    if (room) TF_SetOutput(context_, i, tensor, status.get());
    status.check();
    return TF_TensorData(tensor);
  }

  TF_OpKernelContext* context_;
  const char* name_;
  std::vector<TF_Tensor*> inputs_, owned_;
};

template <class Op>
void* create_op(TF_OpKernelConstruction* construction) {
  try {
    return new Op(Attributes(construction));
  } catch (const std::exception& error) {
    Status status;
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, error.what());
    TF_OpKernelConstruction_Failure(construction, status.get());
    return nullptr;
  }
}

template <class Op>
void compute_op(void* op, TF_OpKernelContext* context) {
  try {
    const FlushDenormals flush;
    Call call(context, Op::name);
    static_cast<const Op*>(op)->compute(call);
  } catch (const std::exception& error) {
    Status status;
    TF_SetStatus(status.get(), dynamic_cast<const Refusal*>(&error) ? TF_INVALID_ARGUMENT : TF_INTERNAL, error.what());
    TF_OpKernelContext_Failure(context, status.get());
  }
}

// Makes the op known to TensorFlow, on the CPU. Once a process.
template <class Op>
void define() {
  Status status;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(Op::name);
  for (const char* line : Op::face) {
    const std::string part(line);
    const std::string spec = part.substr(part.find(' ') + 1);
    if (part.rfind("in ", 0) == 0) TF_OpDefinitionBuilderAddInput(op, spec.c_str());
    else if (part.rfind("out ", 0) == 0) TF_OpDefinitionBuilderAddOutput(op, spec.c_str());
    else TF_OpDefinitionBuilderAddAttr(op, spec.c_str());
  }
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, [](TF_ShapeInferenceContext* context, TF_Status* s) {
    TF_ShapeInferenceContextSetUnknownShape(context, s);
  });
  TF_RegisterOpDefinition(op, status.get());
  status.check();
  TF_KernelBuilder* kernel =
      TF_NewKernelBuilder(Op::name, "CPU", &create_op<Op>, &compute_op<Op>, [](void* p) { delete static_cast<Op*>(p); });
  TF_RegisterKernelBuilder(Op::name, kernel, status.get());
  status.check();
}

// What each file of ops makes known; called once by the addon.
void define_basics();
void define_convolutions();
void define_pools();
void define_dag();
void define_training();
void define_up();

}  // namespace scnas
