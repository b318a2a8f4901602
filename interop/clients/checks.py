"""How a Python client says what came of a check."""

import json


class Checks:
    def run(self, name):
        def decorate(work):
            try:
                result, detail = "works", str(work())
            except Exception as error:
                result, detail = "fails", f"{type(error).__name__}: {error}"[:300]
            print(json.dumps({"check": name, "result": result, "detail": detail}), flush=True)
            return work

        return decorate
