"""What the merge reports and writes about versions, servers, calls, bodies and statuses, by one change at a time."""

from __future__ import annotations

from tests.project.changes import (
    PAGE,
    RIDE,
    RIDES,
    Case,
    Change,
    Document,
    body,
    both,
    call,
    cases,
    media,
    moved,
    renamed_path,
    responses,
    same,
    security,
    servers,
)
from tests.project.small import operation

CALLS = ("listRides", "getRide", "fixRides")
KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}


def listed(d: Document) -> None:
    """The response for a single ride is a page."""
    operation(d, "getRide")["responses"]["200"]["content"]["application/json"]["schema"] = PAGE


def at_ours(name: str) -> Change:
    return call(name, servers=[{"url": "https://rides.example"}])


def version(value: object) -> Change:
    return lambda d: d["info"].update(version=value)


CASES = cases(
    {
        "version newer": lambda d: d["info"].update(version="1.1"),
        "version older": lambda d: d["info"].update(version="0.9"),
        "version without numbers": lambda d: d["info"].update(version="beta"),
        "version missing": lambda d: d["info"].pop("version"),
        "version unwritable": lambda d: d["info"].update(version="1\ud800"),
        "no servers": servers(),
        "server is the root": servers("/"),
        "server added": servers("https://rides.example", "https://b.example/"),
        "server relative": servers("https://rides.example", "/v2"),
        "server with slash": servers("https://rides.example/"),
        "server replaced": servers("https://b.example", "https://c.example", "https://d.example"),
        "server moved below": servers("https://b.example", "https://rides.example/v2"),
        "server with the same host": servers("https://b.example", "http://RIDES.example/x"),
        "server with a variable without a default": servers("https://{region}.rides.example"),
        "server unwritable": servers("https://rides.example", "https://b\ud800.example"),
        "operation removed": lambda d: d["paths"].pop(RIDES),
        "operation moved": moved(RIDES, "/v2/rides"),
        "operation moved without its name": both(
            moved(RIDES, "/v2/rides"), lambda d: d["paths"]["/v2/rides"]["get"].pop("operationId")
        ),
        "operation elsewhere": moved(RIDES, "/trips"),
        "operation by another method": lambda d: d["paths"].update(
            {RIDES: {"put": d["paths"][RIDES]["get"]}}
        ),
        "operation by another method without its name": both(
            lambda d: d["paths"].update({RIDES: {"put": d["paths"][RIDES]["get"]}}),
            lambda d: d["paths"][RIDES]["put"].pop("operationId"),
        ),
        "security other": security("key"),
        "security more": security("bearer", "key"),
        "deprecated": call("listRides", deprecated=True),
        "server of a call": call("listRides", servers=[{"url": "https://b.example"}]),
        "server of a call is the root": call("listRides", servers=[{"url": "/"}]),
        "server of a call is ours": call("listRides", servers=[{"url": "https://rides.example"}]),
        "server of a call is one of two": call(
            "listRides", servers=[{"url": "https://b.example"}, {"url": "https://rides.example"}]
        ),
        "server of all and of a call": both(
            servers("https://b.example"), call("listRides", servers=[{"url": "https://b.example"}])
        ),
        "path with slash": moved(RIDES, "/rides/"),
        "path parameter renamed": renamed_path("rideId"),
        "path parameter of another name": renamed_path("number"),
        "path parameter of another meaning": renamed_path("id"),
        **{
            f"path parameter {name}, where items are listed": (
                listed,
                both(listed, renamed_path(name)),
            )
            for name in ("state", "ride_state", "x", "estate")
        },
        "body added to a listing": call("listRides", requestBody=media("application/json")),
        "body required of a listing": call(
            "listRides", requestBody={"required": True, **media("application/json")}
        ),
        "body removed": lambda d: operation(d, "fixRides").pop("requestBody"),
        "body required": lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
        "body of another type": body(**media("text/plain", "application/xml")),
        "body of any type": body(**media("*/*", schema={"$ref": "#/components/schemas/Trip"})),
        "status removed": responses("listRides", s422=None),
        "status as a range": both(
            responses("listRides", s422=None), responses("listRides", s4XX={})
        ),
        "status new": responses("listRides", s404=media("application/json", schema=PAGE)),
        "status new as the others": lambda d: operation(d, "listRides")["responses"].update(
            {"409": {"$ref": "#/components/responses/Problem"}}
        ),
        "status new without a body": responses("listRides", s404={}),
        "status new of an unknown kind": responses("listRides", s404=media("text/plain")),
        "status not a status": responses("listRides", s999={}, sx=None, s4=media("text/plain")),
        "success new": responses("listRides", s202=media("application/json")),
        "success removed": responses("listRides", s200=None),
        "success replaced": both(
            responses("listRides", s200=None),
            responses("listRides", s201=media("application/json", schema=PAGE)),
        ),
        "success without a body": responses("listRides", s200={}),
        "success of another type": responses("listRides", s200=media("text/plain")),
        "success of another JSON": responses(
            "listRides", s200=media("application/vnd.x+json", schema=PAGE)
        ),
        "error of another type": lambda d: d["components"]["responses"]["Problem"].update(
            media("text/plain")
        ),
        # Ours first: what the small contract does not have.
        "server removed that is not the default": (
            servers("https://rides.example", "https://b.example"),
            servers("https://rides.example"),
        ),
        "servers in another order": (
            servers("https://rides.example", "https://b.example"),
            servers("https://b.example", "https://rides.example"),
        ),
        "no servers on either side": (servers(), servers()),
        "version from two numbers to ten": (
            lambda d: d["info"].update(version="1.9"),
            lambda d: d["info"].update(version="1.10"),
        ),
        "body that was required": (
            lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
            same,
        ),
        "body required on both sides": (
            lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
            lambda d: operation(d, "fixRides")["requestBody"].update(required=True),
        ),
        "body on our side only of a listing": (
            call("listRides", requestBody=media("application/json")),
            same,
        ),
        "body of another type on both sides": (
            body(**media("text/plain")),
            body(**media("text/csv")),
        ),
        "two successes of which one is left": (
            responses("listRides", s202=media("application/json")),
            same,
        ),
        "security of two of which one is left": (security("bearer", "key"), security("key")),
        "server of a call on both sides": (
            call("listRides", servers=[{"url": "https://b.example"}]),
            call("listRides", servers=[{"url": "https://b.example"}]),
        ),
        # Versions
        "version between ours and the last": Case(same, version("1.1"), last=version("1.2")),
        "version of the last, newer than ours": Case(same, version("1.2"), last=version("1.2")),
        "version older than ours and the last": Case(same, version("0.9"), last=version("0.8")),
        "version with other zeros": version("1.00"),
        "version with words": version("v2 beta 3"),
        "version that is a number": version(2),
        "version with many digits": version("1.12345678901234567890"),
        "version newer, but held": Case(same, version("1.1"), holds=("info/version",)),
        # Security
        "security of two schemes together": lambda d: (
            d["components"]["securitySchemes"].update(key=KEY),
            d.update(security=[{"bearer": [], "key": []}]),
        ),
        "security that is not needed": lambda d: d.update(security=[{"bearer": []}, {}]),
        "security of none or a key": lambda d: (
            d["components"]["securitySchemes"].update(key=KEY),
            d.update(security=[{}, {"key": []}]),
        ),
        "security of another scheme by HTTP": lambda d: d["components"]["securitySchemes"].update(
            bearer={"type": "http", "scheme": "basic"}
        ),
        "security scheme with a name": lambda d: d["components"]["securitySchemes"][
            "bearer"
        ].update(name="X"),
        "security scheme that is a reference": lambda d: d["components"]["securitySchemes"].update(
            bearer={"$ref": "#/components/securitySchemes/other"},
            other={"type": "http", "scheme": "BEARER"},
        ),
        "security scheme that is not defined": lambda d: operation(d, "listRides").update(
            security=[{"token": []}]
        ),
        "security scheme that is not defined, beside ours": lambda d: operation(
            d, "listRides"
        ).update(security=[{"token": []}, {"bearer": []}]),
        "security scheme that says nothing": lambda d: d["components"].update(
            securitySchemes={"bearer": {"description": "A token."}}
        ),
        "no security": lambda d: d.pop("security"),
        "security with a scope": lambda d: d.update(security=[{"bearer": ["read", "list"]}]),
        "security with a scope, as before": Case(
            same,
            lambda d: d.update(security=[{"bearer": ["read"]}]),
            last=lambda d: d.update(security=[{"bearer": ["read"]}]),
        ),
        "security with another scope": Case(
            same,
            lambda d: d.update(security=[{"bearer": ["write"]}]),
            last=lambda d: d.update(security=[{"bearer": ["read"]}]),
        ),
        "security with a scope for one call": lambda d: operation(d, "fixRides").update(
            security=[{"bearer": ["write"]}]
        ),
        "security with one of two scopes": lambda d: d.update(
            security=[{"bearer": ["read"]}, {"bearer": ["write"]}]
        ),
        "security with a scope or without": lambda d: d.update(
            security=[{"bearer": ["read"]}, {"bearer": []}]
        ),
        "security with a scope and a key": lambda d: (
            d["components"]["securitySchemes"].update(key=KEY),
            d.update(security=[{"bearer": ["read"], "key": []}]),
        ),
        "security known since the last": Case(same, security("key"), last=security("key")),
        "security of two on our side": (security("bearer", "key"), security()),
        # Servers
        "server with a variable": lambda d: d.update(
            servers=[
                {"url": "https://{name}.{end}/", "variables": {"name": {"default": "rides"}}},
                {"url": "https://{a}.example", "variables": {"a": {"default": "rides"}}},
            ]
        ),
        "server with another port": servers("https://rides.example:8443"),
        "server with the port of the other scheme": servers("https://rides.example:80"),
        "server with the usual port": servers("HTTPS://rides.example:443"),
        "server with a path in capitals": (
            servers("https://rides.example/Api"),
            servers("https://RIDES.example/api"),
        ),
        "server with the usual port of another scheme": (
            servers("http://rides.example"),
            servers("http://rides.example:80"),
        ),
        "server with a port of a scheme that has none": (
            servers("ftp://rides.example"),
            servers("ftp://rides.example:"),
        ),
        "server added, but held": Case(
            same,
            servers("https://rides.example", "https://b.example"),
            holds=("#/servers/https:~1~1b.example",),
        ),
        "servers of a path": lambda d: d["paths"][RIDES].update(
            servers=[{"url": "https://b.example"}]
        ),
        "servers of a path and a call": lambda d: (
            d["paths"][RIDES].update(servers=[{"url": "https://b.example"}]),
            operation(d, "listRides").update(servers=[{"url": "https://rides.example"}]),
        ),
        "servers of a call that are none": call("listRides", servers=[]),
        "server of a call with other capitals": call(
            "listRides", servers=[{"url": "https://RIDES.example/"}]
        ),
        "server of all calls is ours": both(servers("https://b.example"), *map(at_ours, CALLS)),
        "server of all calls is ours, of which one has another": both(
            servers("https://b.example"),
            *map(at_ours, CALLS),
            call("getRide", servers=[{"url": "https://b.example"}]),
        ),
        "servers of all calls are ours and another": both(
            servers("/v2"),
            *(
                call(name, servers=[{"url": "https://c.example"}, {"url": "https://RIDES.example"}])
                for name in CALLS
            ),
        ),
        "server of all calls is another": lambda d: [
            call(name, servers=[{"url": "https://b.example"}])(d) for name in CALLS
        ],
        "servers of our call": (
            call("listRides", servers=[{"url": "https://b.example"}, {"url": "/"}]),
            call("listRides", servers=[{"url": "https://c.example"}, {"url": "/"}]),
        ),
        # Paths
        "path by reference": lambda d: (
            d["components"].update(pathItems={"Rides": d["paths"][RIDES]}),
            d["paths"].update({RIDES: {"$ref": "#/components/pathItems/Rides"}}),
        ),
        "path that is not a mapping": lambda d: d["paths"].update({"/x": "y"}),
        "path with a broken reference": lambda d: d["paths"].update({"/x": {"$ref": "#/nowhere"}}),
        "path with parameters of other names twice": lambda d: d["paths"].update(
            {RIDE: d["paths"][RIDE], "/rides/{id}": {"get": {"responses": {}}}}
        ),
        "path that ends like ours": both(
            moved(RIDES, "/v2/rides"), lambda d: d["paths"].update({"/v3/rides": {"put": {}}})
        ),
        "path with two slashes": moved(RIDES, "/rides//"),
        # Bodies and responses
        "body of any application type": body(
            **media("application/*", schema={"$ref": "#/components/schemas/Trip"})
        ),
        "body of another name for JSON": body(**media("text/json")),
        "body by reference": lambda d: (
            d["components"].update(requestBodies={"Fix": operation(d, "fixRides")["requestBody"]}),
            operation(d, "fixRides").update(requestBody={"$ref": "#/components/requestBodies/Fix"}),
        ),
        "body with a charset in capitals": body(
            **media("Application/JSON; charset=utf-8", schema={"$ref": "#/components/schemas/Trip"})
        ),
        "response of our own that is not JSON": (
            responses("getRide", s200=media("text/csv")),
            responses("getRide", s200=media("text/plain")),
        ),
        "response with an extension": lambda d: operation(d, "getRide")["responses"].update(
            {"x-note": "y"}
        ),
        "response by reference": lambda d: (
            d["components"]["responses"].update(Found=operation(d, "getRide")["responses"]["200"]),
            operation(d, "getRide")["responses"].update(
                {"200": {"$ref": "#/components/responses/Found"}}
            ),
        ),
        "status beside its range": responses("listRides", s4XX={}),
        "success beside its range": responses("listRides", s2XX=media("application/json")),
        "success as a range in small letters": both(
            responses("getRide", s200=None),
            responses(
                "getRide",
                s2xx=media("application/json", schema={"$ref": "#/components/schemas/Ride"}),
            ),
        ),
        "success and another removed": both(
            responses("listRides", s200=None, s422=None),
            responses("listRides", s201=media("text/csv"), s404={}),
        ),
        "error removed and another success": both(
            responses("listRides", s422=None),
            responses("listRides", s202=media("application/json")),
        ),
        "default response removed": responses("listRides", sdefault=None),
        "error without a schema": lambda d: d["components"]["responses"]["Problem"].update(
            content={"application/json": {}}
        ),
        "deprecated and held": Case(
            same, call("listRides", deprecated=True), holds=("GET /rides",)
        ),
    }
)
