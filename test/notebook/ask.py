"""Asks the notebook kernel what it offers while someone types: completions and hover. stdin: a list of {run} | {complete} | {hover}; prints a JSON list of answers."""
import json
import sys
import time

from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="tslab")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=300)
answers = []
try:
    for ask in json.load(sys.stdin):
        began = time.time()
        if "run" in ask:
            words = []

            def heard(message):
                content = message["content"]
                words.append(content.get("text") or content.get("data", {}).get("text/plain") or "")

            client.execute_interactive(ask["run"], output_hook=heard, timeout=300)
            answer = "".join(words)
        elif "complete" in ask:
            # The cursor stands at the mark.
            code = ask["complete"]
            at = code.index("|")
            answer = client.complete(code.replace("|", ""), at, reply=True, timeout=300)["content"]["matches"]
        else:
            code = ask["hover"]
            at = code.index("|")
            answer = client.inspect(code.replace("|", ""), at, reply=True, timeout=300)["content"].get("data", {}).get("text/plain", "")
        answers.append({"answer": answer, "seconds": time.time() - began})
finally:
    # A kernel that is left would hold the pipe open that the answers are read from.
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps(answers))
