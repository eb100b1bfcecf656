"""Talks to the notebook kernel as a front end does: runs cells, presses the stop button. Prints a JSON list of what each cell printed."""
import json
import sys
import time

from jupyter_client.manager import KernelManager


def run(client, manager, code, interrupt_after):
    message = client.execute(code)
    began = time.time()
    words = ""
    while time.time() - began < 120:
        if interrupt_after is not None and words and time.time() - began > interrupt_after:
            manager.interrupt_kernel()
            interrupt_after = None
        try:
            got = client.get_iopub_msg(timeout=0.2)
        except Exception:
            if not manager.is_alive():
                return words + "KERNEL DIED"
            continue
        if got["msg_type"] == "stream":
            words += got["content"]["text"]
        done = got["msg_type"] == "status" and got["content"]["execution_state"] == "idle"
        if done and got["parent_header"].get("msg_id") == message:
            return words
    return words + "TIMEOUT"


manager = KernelManager(kernel_name="tslab")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=120)
printed = []
for cell in json.load(sys.stdin):
    printed.append(run(client, manager, cell["code"], cell.get("interrupt")))
    time.sleep(cell.get("pause", 0.4))
client.stop_channels()
manager.shutdown_kernel(now=True)
print(json.dumps(printed))
