"""The forms in which builders write an instance type: ``<HERE>`` marks the place."""

from __future__ import annotations

SHAPES = {
    "literal": """
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>"ml.m5.tiny", REST})
    """,
    "nested literal on several lines": """
        class Builder:
            def create_step(self):
                made = {
                    **request(),
                    "ResourceConfig": {
                        REST,
                        "InstanceType": (
                            <HERE>"ml.m5.tiny"
                        ),
                    },
                }
                return made
    """,
    "item assigned": """
        class Builder:
            def create_step(self):
                made = request(ResourceConfig={REST})
                made["ResourceConfig"]["InstanceType"] = <HERE>"ml.m5.tiny"
                return made
    """,
    "item assigned through another name": """
        class Builder:
            def create_step(self):
                resources = {REST}
                resources["InstanceType"] = <HERE>"ml.m5.tiny"
                made = request()
                made["ResourceConfig"] = resources
                return made
    """,
    "the last of two": """
        class Builder:
            def create_step(self):
                resources = {"InstanceType": "ml.m5.large", REST}
                resources["InstanceType"] = <HERE>"ml.m5.tiny"
                return request(ResourceConfig=resources)
    """,
    "update with keywords": """
        class Builder:
            def create_step(self):
                resources = dict(InstanceCount=1)
                resources.update(VolumeSizeInGB=10, InstanceType=<HERE>"ml.m5.tiny")
                return request(ResourceConfig=resources)
    """,
    "update with a mapping, below a key": """
        class Builder:
            def create_step(self):
                made = request(ResourceConfig={})
                made["ResourceConfig"].update({REST, "InstanceType": <HERE>"ml.m5.tiny"})
                return made
    """,
    "setdefault": """
        class Builder:
            def create_step(self):
                made = request()
                made.setdefault("ResourceConfig", {REST})["InstanceType"] = <HERE>"ml.m5.tiny"
                return made
    """,
    "dict()": """
        class Builder:
            def create_step(self):
                return request(ResourceConfig=dict(InstanceType=<HERE>"ml.m5.tiny", InstanceCount=1, VolumeSizeInGB=10))
    """,
    "merged with |": """
        class Builder:
            def create_step(self):
                return request(ResourceConfig={REST} | {"InstanceType": <HERE>"ml.m5.tiny"})
    """,
    "merged with |=": """
        class Builder:
            def create_step(self):
                resources = {REST}
                resources |= {"InstanceType": <HERE>"ml.m5.tiny"}
                return request(ResourceConfig=resources)
    """,
    "spread over": """
        BASE = {"InstanceType": <HERE>"ml.m5.tiny", REST}
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"VolumeSizeInGB": 5, **BASE})
    """,
    "spread under": """
        BASE = {"InstanceType": "ml.m5.large", REST}
        class Builder:
            def create_step(self):
                return request(ResourceConfig={**BASE, "InstanceType": <HERE>"ml.m5.tiny"})
    """,
    "constant of the module": """
        KIND = <HERE>"ml.m5.tiny"
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": KIND, REST})
    """,
    "one of two constants": """
        if copy:
            KIND = <HERE>"ml.m5.tiny"
        else:
            KIND = "ml.m5.large"
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": KIND, REST})
    """,
    "constant that is not clear": """
        def pick(): return "ml.m5.tiny"
        if copy:
            KIND = pick() + ""
        else:
            KIND = pick() + " "
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>KIND, REST})
    """,
    "table of the module": """
        KINDS = {"small": "ml.m5.large", "tiny": <HERE>"ml.m5.tiny"}
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": KINDS["tiny"], REST})
    """,
    "table with a key worked out": """
        KINDS = {"small": "ml.m5.large", "tiny": <HERE>"ml.m5.tiny"}
        class Builder:
            stage = "ti" + "ny"
            def create_step(self):
                return request(ResourceConfig={"InstanceType": KINDS.get(self.stage), REST})
    """,
    "attribute of the class": """
        class Builder:
            kind = <HERE>"ml.m5.tiny"
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.kind, REST})
    """,
    "attribute of the class above": """
        class Base:
            kind = "ml.m5.large"
        class Middle(Base):
            kind = <HERE>"ml.m5.tiny"
        class Builder(Middle):
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.kind, REST})
    """,
    "attribute set in __init__": """
        class Builder:
            def __init__(self):
                self.kind = <HERE>"ml.m5.tiny"
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.kind, REST})
    """,
    "default of a parameter of __init__": """
        class Builder:
            def __init__(self, kind=<HERE>"ml.m5.tiny"):
                self.kind = kind
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.kind, REST})
    """,
    "attribute that another method sets": """
        class Builder:
            def prepare(self):
                self.kind = <HERE>"ml.m5.tiny"
            def create_step(self):
                self.prepare()
                return request(ResourceConfig={"InstanceType": self.kind, REST})
    """,
    "property": """
        class Builder:
            @property
            def kind(self):
                return <HERE>"ml.m5.tiny"
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.kind, REST})
    """,
    "helper method": """
        class Builder:
            def _resources(self):
                return {"InstanceType": <HERE>"ml.m5.tiny", REST}
            def create_step(self):
                return request(ResourceConfig=self._resources())
    """,
    "argument of a helper method": """
        class Builder:
            def _resources(self, count, *, kind):
                return {"InstanceType": kind, REST}
            def create_step(self):
                return request(ResourceConfig=self._resources(2, kind=<HERE>"ml.m5.tiny"))
    """,
    "static and class methods": """
        class Builder:
            @staticmethod
            def kind():
                return <HERE>"ml.m5.tiny"
            @classmethod
            def resources(cls):
                return {"InstanceType": cls.kind(), REST}
            def create_step(self):
                return request(ResourceConfig=self.resources())
    """,
    "super()": """
        class Base:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>"ml.m5.tiny", REST})
        class Builder(Base):
            def create_step(self):
                made = super().create_step()
                made["StoppingCondition"] = {"MaxRuntimeInSeconds": 60}
                return made
    """,
    "overridden through super()": """
        class Base:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": "ml.m5.large", REST})
        class Builder(Base):
            def create_step(self):
                made = super().create_step()
                made["ResourceConfig"]["InstanceType"] = <HERE>"ml.m5.tiny"
                return made
    """,
    "function of the module with arguments": """
        def resources(kind, count=1):
            return {"InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 10}
        class Builder:
            def create_step(self):
                return request(ResourceConfig=resources(<HERE>"ml.m5.tiny"))
    """,
    "function with the value itself": """
        def kind(): return <HERE>"ml.m5.tiny"
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": kind(), REST})
    """,
    "function inside the hook": """
        class Builder:
            def create_step(self):
                def resources():
                    return {"InstanceType": <HERE>"ml.m5.tiny", REST}
                return request(ResourceConfig=resources())
    """,
    "copy of a constant": """
        BASE = {"InstanceType": <HERE>"ml.m5.tiny", REST}
        class Builder:
            def create_step(self):
                resources = copy.deepcopy(BASE)
                return request(ResourceConfig=dict(resources))
    """,
    "one branch of an if": """
        class Builder:
            gpu = False
            def create_step(self):
                resources = {REST}
                if self.gpu:
                    resources["InstanceType"] = "ml.g5.xlarge"
                else:
                    resources["InstanceType"] = <HERE>"ml.m5.tiny"
                return request(ResourceConfig=resources)
    """,
    "one branch of an expression": """
        class Builder:
            gpu = False
            def create_step(self):
                kind = "ml.g5.xlarge" if self.gpu else <HERE>"ml.m5.tiny"
                return request(ResourceConfig={"InstanceType": kind, REST})
    """,
    "default behind or": """
        class Builder:
            kind = None
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.kind or <HERE>"ml.m5.tiny", REST})
    """,
    "one of two returns": """
        class Builder:
            gpu = True
            def get_resource_optimization_config(self):
                if not self.gpu:
                    return {"instance_type": "ml.m5.large"}
                return {"instance_type": <HERE>"ml.m5.tiny"}
            def create_step(self):
                return request(ResourceConfig={REST})
    """,
    "f-string": """
        class Builder:
            family = "m5"
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>f"ml.{self.family}.tiny", REST})
    """,
    "worked out": """
        class Builder:
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>".".join(["ml", "m5", "tiny"]), REST})
    """,
    "attributes of an object": """
        class Step: pass
        class Builder:
            def create_step(self):
                step = Step()
                for name, value in request().items():
                    setattr(step, name, value)
                step.ResourceConfig = {REST, "InstanceType": <HERE>"ml.m5.tiny"}
                return step
    """,
    "dataclass by keywords": """
        @dataclass
        class Resources:
            InstanceType: str
            InstanceCount: int = 1
            VolumeSizeInGB: int = 10
        class Builder:
            def create_step(self):
                return request(ResourceConfig=vars(Resources(InstanceType=<HERE>"ml.m5.tiny")))
    """,
    "dataclass by place": """
        @dataclass
        class Resources:
            InstanceCount: int
            InstanceType: str
            VolumeSizeInGB: int = 10
        class Builder:
            def create_step(self):
                return request(ResourceConfig=vars(Resources(1, <HERE>"ml.m5.tiny")))
    """,
    "arguments of a step": """
        class Step:
            def __init__(self, name, arguments):
                self.name, self.arguments = name, arguments
        class Builder:
            def create_step(self):
                arguments = request(ResourceConfig={"InstanceType": <HERE>"ml.m5.tiny", REST})
                del arguments["TrainingJobName"]
                return Step("Train", arguments)
    """,
    "another object makes the request": """
        class Maker:
            def __init__(self, kind):
                self.kind = kind
            def build(self):
                return request(ResourceConfig={"InstanceType": self.kind, REST})
        class Builder:
            def create_step(self):
                maker = Maker(<HERE>"ml.m5.tiny")
                return maker.build()
    """,
    "unpacked arguments": """
        SETTINGS = {"kind": <HERE>"ml.m5.tiny", "count": 1}
        def resources(kind, count):
            return {"InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 10}
        class Builder:
            def create_step(self):
                return request(ResourceConfig=resources(**SETTINGS))
    """,
    "attribute of a class that is the configuration": """
        class Config:
            kind = <HERE>"ml.m5.tiny"
        class Builder:
            config = Config
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.config.kind, REST})
    """,
    "default of the configuration's class": """
        @dataclass
        class Config:
            count: int = 1
            kind: str = <HERE>"ml.m5.tiny"
        class Builder:
            def __init__(self, config=None):
                self.config = config or Config()
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.config.kind, REST})
    """,
    "argument of the configuration's class": """
        @dataclass
        class Config:
            count: int = 1
            kind: str = "ml.m5.large"
        class Builder:
            config = Config(kind=<HERE>"ml.m5.tiny")
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.config.kind, REST})
    """,
    "factory of a field": """
        @dataclass
        class Config:
            resources: dict = field(default_factory=lambda: {"InstanceType": <HERE>"ml.m5.tiny", REST})
        class Builder:
            config = Config()
            def create_step(self):
                return request(ResourceConfig=self.config.resources)
    """,
    "worked out of an argument": """
        class Builder:
            def _kind(self, size):
                return ".".join(["ml", "m5", size])
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>self._kind("tiny"), REST})
    """,
    "worked out without an argument": """
        class Builder:
            def _kind(self):
                return <HERE>".".join(["ml", "m5", "tiny"])
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self._kind(), REST})
    """,
    "two at once": """
        class Builder:
            def create_step(self):
                kind, count = <HERE>"ml.m5.tiny", 1
                return request(ResourceConfig={"InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 10})
    """,
    "short form": """
        class Builder:
            def get_resource_optimization_config(self):
                return {"instance_count": 1, "instance_type": <HERE>"ml.m5.tiny"}
            def create_step(self):
                return request(ResourceConfig={REST})
    """,
    "flat configuration of the step": """
        class Builder:
            def get_step_config(self):
                config = {"training_instance_count": 1}
                config["training_instance_type"] = <HERE>"ml.m5.tiny"
                return config
            def create_step(self):
                return request(ResourceConfig={REST})
    """,
    "own configuration": """
        class Builder:
            def __init__(self):
                self.config = {"training_instance_type": <HERE>"ml.m5.tiny"}
            def create_step(self):
                return request(ResourceConfig={"InstanceType": self.config["training_instance_type"], REST})
    """,
    "own configuration that fills": """
        class Builder:
            def __init__(self):
                self.config = {"training_instance_type": <HERE>"ml.m5.tiny"}
            def create_step(self):
                return request(ResourceConfig={REST})
    """,
    "attribute of a configuration that nobody knows": """
        class Config:
            def __getattr__(self, name):
                return "ml.m5.tiny"
        class Builder:
            config = Config()
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>self.config.kind, REST})
    """,
    "hook that is data": """
        class Builder:
            get_resource_optimization_config = {"instance_type": <HERE>"ml.m5.tiny"}
            def create_step(self):
                return request(ResourceConfig={REST})
    """,
    "hook that is a lambda": """
        class Builder:
            get_resource_optimization_config = lambda self: {"instance_type": <HERE>"ml.m5.tiny"}
            def create_step(self):
                return request(ResourceConfig={REST})
    """,
    "decorated hook": """
        import functools
        def logged(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                return function(*args, **kwargs)
            return inner
        class Builder:
            @logged
            def create_step(self):
                return request(ResourceConfig={"InstanceType": <HERE>"ml.m5.tiny", REST})
    """,
    "way that cannot be followed": """
        def through(value): return json.loads(json.dumps(value))
        class Builder:
            def create_step(self):
                resources = through({"InstanceType": <HERE>"ml.m5.tiny", REST})
                made = request()
                exec("made['ResourceConfig'] = resources")
                return made
    """,
    "behind a line with letters of several bytes": """
        class Builder:
            def create_step(self):
                return request(Tags=[{"Key": "ä", "Value": "漢"}], ResourceConfig={"InstanceType": <HERE>"ml.m5.tiny"})
    """,
}
