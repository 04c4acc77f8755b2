// swift-format-ignore-file

/// What is asked and answered, word for word; see ``Transcript``.
enum Transcripts {
    static let creating = #"""
        > GET /proxies
        < 200 json {}
        > POST /proxies {"name":"redis","upstream":"127.0.0.1:6379"}
        < 201 json {"name":"redis","listen":"[::]:40001","upstream":"127.0.0.1:6379","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"a","listen":"localhost:3310","upstream":"localhost:1"}
        < 201 json {"name":"a","listen":"127.0.0.1:3310","upstream":"localhost:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"zero","listen":"127.0.0.1:0","upstream":"u:1","enabled":null}
        < 201 json {"name":"zero","listen":"127.0.0.1:40002","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"any","listen":":3311","upstream":"u:1"}
        < 201 json {"name":"any","listen":"[::]:3311","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"any4","listen":"0.0.0.0:3312","upstream":"u:1"}
        < 201 json {"name":"any4","listen":"[::]:3312","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"six","listen":"[::1]:3313","upstream":"u:1"}
        < 201 json {"name":"six","listen":"[::1]:3313","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"six2","listen":"[0:0::1]:3314","upstream":"u:1"}
        < 201 json {"name":"six2","listen":"[::1]:3314","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"off","listen":"garbage","upstream":"u:1","enabled":false}
        < 201 json {"name":"off","listen":"garbage","upstream":"u:1","enabled":false,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"off2","listen":"localhost:3310","upstream":"http://x","enabled":false}
        < 201 json {"name":"off2","listen":"localhost:3310","upstream":"http://x","enabled":false,"Logger":{},"toxics":[]}
        > POST /proxies {"NAME":"Case","Listen":"127.0.0.1:3315","UpStream":"u:1"}
        < 201 json {"name":"Case","listen":"127.0.0.1:3315","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"unix","listen":"unix:/tmp/x.sock","upstream":"unix:/tmp/y.sock"}
        < 201 json {"name":"unix","listen":"unix:/tmp/x.sock","upstream":"unix:/tmp/y.sock","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"a","listen":"localhost:3316","upstream":"u:1"}
        < 409 text {"error":"proxy already exists","status":409}↵
        > POST /proxies {"name":"a","upstream":""}
        < 400 text {"error":"missing required field: upstream","status":400}↵
        > POST /proxies {"upstream":"u:1"}
        < 400 text {"error":"missing required field: name","status":400}↵
        > POST /proxies {"name":"","upstream":""}
        < 400 text {"error":"missing required field: name","status":400}↵
        > POST /proxies {"name":null,"upstream":"u:1"}
        < 400 text {"error":"missing required field: name","status":400}↵
        > POST /proxies {}
        < 400 text {"error":"missing required field: name","status":400}↵
        > POST /proxies null
        < 400 text {"error":"missing required field: name","status":400}↵
        > POST /proxies
        < 400 text {"error":"bad request body: EOF","status":400}↵
        > POST /proxies
        < 400 text {"error":"bad request body: EOF","status":400}↵
        > POST /proxies {
        < 400 text {"error":"bad request body: unexpected EOF","status":400}↵
        > POST /proxies {"name"
        < 400 text {"error":"bad request body: unexpected EOF","status":400}↵
        > POST /proxies {"name":"x","upstream":"u:1"
        < 400 text {"error":"bad request body: unexpected EOF","status":400}↵
        > POST /proxies "x"
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go value of type toxiproxy.Proxy","status":400}↵
        > POST /proxies []
        < 400 text {"error":"bad request body: json: cannot unmarshal array into Go value of type toxiproxy.Proxy","status":400}↵
        > POST /proxies 7
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go value of type toxiproxy.Proxy","status":400}↵
        > POST /proxies nope
        < 400 text {"error":"bad request body: invalid character 'o' in literal null (expecting 'u')","status":400}↵
        > POST /proxies {name:1}
        < 400 text {"error":"bad request body: invalid character 'n' looking for beginning of object key string","status":400}↵
        > POST /proxies {"name":1,"upstream":"u:1"}
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go struct field Proxy.name of type string","status":400}↵
        > POST /proxies {"name":"x","upstream":"u:1","enabled":"yes"}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field Proxy.enabled of type bool","status":400}↵
        > POST /proxies {"name":"x","upstream":"u:1","enabled":1}
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go struct field Proxy.enabled of type bool","status":400}↵
        > POST /proxies {"name":"x","upstream":{},"enabled":true}
        < 400 text {"error":"bad request body: json: cannot unmarshal object into Go struct field Proxy.upstream of type string","status":400}↵
        > POST /proxies {"name":"x","upstream":"u:1",}
        < 400 text {"error":"bad request body: invalid character '}' looking for beginning of object key string","status":400}↵
        > POST /proxies {"name":"x" "upstream":"u:1"}
        < 400 text {"error":"bad request body: invalid character '\"' after object key:value pair","status":400}↵
        > POST /proxies {"name":"x\q","upstream":"u:1"}
        < 400 text {"error":"bad request body: invalid character 'q' in string escape code","status":400}↵
        > POST /proxies {"name":"x","listen":"127.0.0.1:3399","upstream":"u:1"} trailing garbage
        < 201 json {"name":"x","listen":"127.0.0.1:3399","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"y","listen":"127.0.0.1:3398","upstream":"u:1","extra":[1,{"a":1.5e3}],"Logger":{}}
        < 201 json {"name":"y","listen":"127.0.0.1:3398","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"<&>\"\u00e9\n","listen":"127.0.0.1:3397","upstream":"u:1"}
        < 201 json {"name":"\u003c\u0026\u003e\"é\n","listen":"127.0.0.1:3397","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"busy","listen":"127.0.0.1:3310","upstream":"u:1"}
        < 500 text {"error":"listen tcp 127.0.0.1:3310: bind: address already in use","status":500}↵
        > GET /proxies/busy
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /proxies {"name":"e1","listen":"local373","upstream":"u:1"}
        < 500 text {"error":"listen tcp: address local373: missing port in address","status":500}↵
        > POST /proxies {"name":"e2","listen":"127.0.0.1:99999","upstream":"u:1"}
        < 500 text {"error":"listen tcp: address 99999: invalid port","status":500}↵
        > POST /proxies {"name":"e3","listen":"nowhere.invalid:1","upstream":"u:1"}
        < 500 text {"error":"listen tcp: lookup nowhere.invalid: no such host","status":500}↵
        > POST /proxies {"name":"e4","listen":"1:2:3","upstream":"u:1"}
        < 500 text {"error":"listen tcp: address 1:2:3: too many colons in address","status":500}↵
        > POST /proxies {"name":"e5","listen":"[::1:2","upstream":"u:1"}
        < 500 text {"error":"listen tcp: address [::1:2: missing ']' in address","status":500}↵
        > POST /proxies {"name":"e6","listen":"[::1]","upstream":"u:1"}
        < 500 text {"error":"listen tcp: address [::1]: missing port in address","status":500}↵
        > POST /proxies {"name":"e7","listen":"127.0.0.1:bogus","upstream":"u:1"}
        < 500 text {"error":"listen tcp: lookup tcp/bogus: unknown port","status":500}↵
        > POST /proxies {"name":"e8","listen":"10.1.2.3:80","upstream":"u:1"}
        < 500 text {"error":"listen tcp 10.1.2.3:80: bind: cannot assign requested address","status":500}↵
        > POST /proxies {"name":"e9","listen":"127.0.0.1:-1","upstream":"u:1"}
        < 500 text {"error":"listen tcp: address -1: invalid port","status":500}↵
        > GET /proxies/a
        < 200 json {"name":"a","listen":"127.0.0.1:3310","upstream":"localhost:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies/%61
        < 200 json {"name":"a","listen":"127.0.0.1:3310","upstream":"localhost:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies/nope
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/Case
        < 200 json {"name":"Case","listen":"127.0.0.1:3315","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies/case
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/%3C%26%3E%22%C3%A9%0A
        < 200 json {"name":"\u003c\u0026\u003e\"é\n","listen":"127.0.0.1:3397","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies {"name":"a/b","listen":"127.0.0.1:3396","upstream":"u:1"}
        < 201 json {"name":"a/b","listen":"127.0.0.1:3396","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies/a%2Fb
        < 404 text 404 page not found↵
        > DELETE /proxies/a%2Fb
        < 404 text 404 page not found↵
        > DELETE /proxies/a
        < 204 -
        > DELETE /proxies/a
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/a
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /proxies {"name":"a","listen":"127.0.0.1:3310","upstream":"u:1","toxics":null}
        < 201 json {"name":"a","listen":"127.0.0.1:3310","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies
        < 200 json {"\u003c\u0026\u003e\"é\n":{"name":"\u003c\u0026\u003e\"é\n","listen":"127.0.0.1:3397","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"Case":{"name":"Case","listen":"127.0.0.1:3315","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"a":{"name":"a","listen":"127.0.0.1:3310","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"a/b":{"name":"a/b","listen":"127.0.0.1:3396","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"any":{"name":"any","listen":"[::]:3311","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"any4":{"name":"any4","listen":"[::]:3312","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"off":{"name":"off","listen":"garbage","upstream":"u:1","enabled":false,"Logger":{},"toxics":[]},"off2":{"name":"off2","listen":"localhost:3310","upstream":"http://x","enabled":false,"Logger":{},"toxics":[]},"redis":{"name":"redis","listen":"[::]:40001","upstream":"127.0.0.1:6379","enabled":true,"Logger":{},"toxics":[]},"six":{"name":"six","listen":"[::1]:3313","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"six2":{"name":"six2","listen":"[::1]:3314","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"unix":{"name":"unix","listen":"unix:/tmp/x.sock","upstream":"unix:/tmp/y.sock","enabled":true,"Logger":{},"toxics":[]},"x":{"name":"x","listen":"127.0.0.1:3399","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"y":{"name":"y","listen":"127.0.0.1:3398","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"zero":{"name":"zero","listen":"127.0.0.1:40002","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}}
        """#

    static let routes = #"""
        > GET /
        < 404 text 404 page not found↵
        > GET /nope
        < 404 text 404 page not found↵
        > GET /proxies/
        < 404 text 404 page not found↵
        > GET /proxies/x/
        < 404 text 404 page not found↵
        > GET //proxies
        < 301 - @/proxies
        > POST //proxies?x=1
        < 301 - @/proxies?x=1
        > GET /proxies/../version
        < 301 - @/version
        > GET /./proxies
        < 301 - @/proxies
        > GET /proxies//x
        < 301 - @/proxies/x
        > HEAD /proxies
        < 405 -
        > OPTIONS /proxies
        < 405 -
        > PUT /proxies
        < 405 -
        > PATCH /proxies
        < 405 -
        > DELETE /proxies
        < 405 -
        > HEAD /version
        < 405 -
        > POST /version
        < 405 -
        > GET /version
        < 200 application/json;charset=utf-8 {"version": "2.12.0"}↵
        > GET /version?x=y
        < 200 application/json;charset=utf-8 {"version": "2.12.0"}↵
        > GET /version/
        < 404 text 404 page not found↵
        > GET /reset
        < 405 -
        > GET /populate
        < 405 -
        > PUT /proxies/x
        < 405 -
        > HEAD /proxies/x
        < 405 -
        > PUT /proxies/x/toxics
        < 405 -
        > DELETE /proxies/x/toxics
        < 405 -
        > PUT /proxies/x/toxics/y
        < 405 -
        > GET /proxies/x/nope
        < 404 text 404 page not found↵
        > GET /proxies/x/toxics/y/z
        < 404 text 404 page not found↵
        > GET /metrics
        < 404 text 404 page not found↵
        > GET /Proxies
        < 404 text 404 page not found↵
        > GET /%70roxies
        < 200 json {}
        > GET /proxies/%zz
        < 404 text 404 page not found↵
        > GET /proxies?anything
        < 200 json {}
        > PATCH /proxies/x
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/x/toxics
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /proxies/x/toxics
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/x/toxics/y
        < 404 text {"error":"proxy not found","status":404}↵
        > DELETE /proxies/x/toxics/y
        < 404 text {"error":"proxy not found","status":404}↵
        > PATCH /proxies/x/toxics/y
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /reset
        < 204 -
        > BREW /proxies
        < 405 -
        """#

    static let updating = #"""
        > POST /proxies {"name":"p","listen":"localhost:3320","upstream":"u:1"}
        < 201 json {"name":"p","listen":"127.0.0.1:3320","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /proxies/p/toxics {"type":"latency","attributes":{"latency":5}}
        < 200 json {"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}
        > POST /proxies/p {}
        < 200 json {"name":"p","listen":"127.0.0.1:3320","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"listen":"localhost:3320"}
        < 200 json {"name":"p","listen":"127.0.0.1:3320","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"listen":"127.0.0.1:3320","upstream":"u:1","enabled":true,"name":"other"}
        < 200 json {"name":"p","listen":"127.0.0.1:3320","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"upstream":"u:2"}
        < 200 json {"name":"p","listen":"127.0.0.1:3320","upstream":"u:2","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"upstream":""}
        < 200 json {"name":"p","listen":"127.0.0.1:3320","upstream":"","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"upstream":"u:1"}
        < 200 json {"name":"p","listen":"127.0.0.1:3320","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"listen":"localhost:3321"}
        < 200 json {"name":"p","listen":"127.0.0.1:3321","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"listen":"127.0.0.1:0"}
        < 200 json {"name":"p","listen":"127.0.0.1:40001","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"enabled":false}
        < 200 json {"name":"p","listen":"127.0.0.1:40001","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"enabled":false}
        < 200 json {"name":"p","listen":"127.0.0.1:40001","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {}
        < 200 json {"name":"p","listen":"127.0.0.1:40001","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"enabled":true}
        < 200 json {"name":"p","listen":"127.0.0.1:40001","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"enabled":true}
        < 200 json {"name":"p","listen":"127.0.0.1:40001","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"listen":"local373"}
        < 500 text {"error":"address local373: missing port in address","status":500}↵
        > POST /proxies/p {"listen":"127.0.0.1:99999"}
        < 500 text {"error":"address 99999: invalid port","status":500}↵
        > PATCH /proxies/p {"listen":"nowhere.invalid:1"}
        < 500 text {"error":"lookup nowhere.invalid: no such host","status":500}↵
        > POST /proxies/p {"listen":"127.0.0.1:6666"}
        < 500 text {"error":"listen tcp 127.0.0.1:6666: bind: address already in use","status":500}↵
        > PATCH /proxies/p {"enabled":"x"}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field Proxy.enabled of type bool","status":400}↵
        > POST /proxies/p
        < 400 text {"error":"bad request body: EOF","status":400}↵
        > PATCH /proxies/p []
        < 400 text {"error":"bad request body: json: cannot unmarshal array into Go value of type toxiproxy.Proxy","status":400}↵
        > POST /proxies/p {"listen":1}
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go struct field Proxy.listen of type string","status":400}↵
        > PATCH /proxies/p {"listen":"[::1]:3322","enabled":false}
        < 200 json {"name":"p","listen":"[::1]:3322","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"listen":"garbage"}
        < 500 text {"error":"address garbage: missing port in address","status":500}↵
        > PATCH /proxies/p {"enabled":true}
        < 200 json {"name":"p","listen":"[::1]:3322","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"listen":""}
        < 200 json {"name":"p","listen":"[::]:40002","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"listen":"127.0.0.1:3323","enabled":true}
        < 200 json {"name":"p","listen":"127.0.0.1:3323","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies/p {"ENABLED":false}
        < 200 json {"name":"p","listen":"127.0.0.1:3323","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > PATCH /proxies/p {"enabled":null}
        < 200 json {"name":"p","listen":"127.0.0.1:3323","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > GET /proxies/p
        < 200 json {"name":"p","listen":"127.0.0.1:3323","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}
        > POST /proxies {"name":"g","listen":"garbage","upstream":"u:1","enabled":false}
        < 201 json {"name":"g","listen":"garbage","upstream":"u:1","enabled":false,"Logger":{},"toxics":[]}
        > PATCH /proxies/g {}
        < 500 text {"error":"address garbage: missing port in address","status":500}↵
        > PATCH /proxies/g {"enabled":true}
        < 500 text {"error":"address garbage: missing port in address","status":500}↵
        > PATCH /proxies/g {"upstream":"u:9"}
        < 500 text {"error":"address garbage: missing port in address","status":500}↵
        > PATCH /proxies/g {"listen":"127.0.0.1:3330","enabled":true}
        < 200 json {"name":"g","listen":"127.0.0.1:3330","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > PATCH /proxies/g {"listen":":3331"}
        < 200 json {"name":"g","listen":"[::]:3331","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > PATCH /proxies/g {}
        < 200 json {"name":"g","listen":"[::]:3331","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > PATCH /proxies/g {"listen":":3331"}
        < 200 json {"name":"g","listen":"[::]:3331","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > PATCH /proxies/g {"listen":"0.0.0.0:3331"}
        < 200 json {"name":"g","listen":"[::]:3331","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > PATCH /proxies/nope {}
        < 404 text {"error":"proxy not found","status":404}↵
        > PATCH /proxies/nope {
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /reset
        < 204 -
        > GET /proxies
        < 200 json {"g":{"name":"g","listen":"[::]:3331","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"p":{"name":"p","listen":"127.0.0.1:3323","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}}
        """#

    static let toxics = #"""
        > POST /proxies {"name":"p","listen":"127.0.0.1:3340","upstream":"u:1"}
        < 201 json {"name":"p","listen":"127.0.0.1:3340","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies/p/toxics
        < 200 json []
        > POST /proxies/p/toxics {"type":"latency"}
        < 200 json {"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"latency"}
        < 409 text {"error":"toxic already exists","status":409}↵
        > POST /proxies/p/toxics {"type":"latency","stream":"upstream"}
        < 200 json {"attributes":{"latency":0,"jitter":0},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"latency","stream":"UPSTREAM","attributes":{"latency":100,"jitter":10}}
        < 200 json {"attributes":{"latency":100,"jitter":10},"name":"latency_UPSTREAM","type":"latency","stream":"UPSTREAM","toxicity":1}
        > POST /proxies/p/toxics {"type":"bandwidth","stream":"Downstream","name":"bw","toxicity":0.2,"attributes":{"rate":100}}
        < 200 json {"attributes":{"rate":100},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.2}
        > POST /proxies/p/toxics {"type":"slow_close","attributes":{"delay":50},"toxicity":2}
        < 200 json {"attributes":{"delay":50},"name":"slow_close_downstream","type":"slow_close","stream":"downstream","toxicity":2}
        > POST /proxies/p/toxics {"type":"timeout","attributes":{"timeout":-5},"toxicity":-1}
        < 200 json {"attributes":{"timeout":-5},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":-1}
        > POST /proxies/p/toxics {"type":"reset_peer","attributes":null,"toxicity":null}
        < 200 json {"attributes":{"timeout":0},"name":"reset_peer_downstream","type":"reset_peer","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"slicer","attributes":{"average_size":64,"size_variation":32,"delay":10}}
        < 200 json {"attributes":{"average_size":64,"size_variation":32,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"limit_data","stream":"upstream","attributes":{"bytes":-1}}
        < 200 json {"attributes":{"bytes":-1},"name":"limit_data_upstream","type":"limit_data","stream":"upstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"noop","attributes":{"x":1}}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"packet_loss","attributes":{"loss_rate":0.5}}
        < 200 json {"attributes":{"loss_rate":0.5,"correlation":0},"name":"packet_loss_downstream","type":"packet_loss","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"packet_loss","name":"pl","attributes":{"loss_rate":5,"correlation":1e-7},"toxicity":1e-7}
        < 200 json {"attributes":{"loss_rate":5,"correlation":1e-7},"name":"pl","type":"packet_loss","stream":"downstream","toxicity":1e-7}
        > GET /proxies/p/toxics
        < 200 json [{"attributes":{"latency":0,"jitter":0},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1},{"attributes":{"latency":100,"jitter":10},"name":"latency_UPSTREAM","type":"latency","stream":"UPSTREAM","toxicity":1},{"attributes":{"bytes":-1},"name":"limit_data_upstream","type":"limit_data","stream":"upstream","toxicity":1},{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"rate":100},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.2},{"attributes":{"delay":50},"name":"slow_close_downstream","type":"slow_close","stream":"downstream","toxicity":2},{"attributes":{"timeout":-5},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":-1},{"attributes":{"timeout":0},"name":"reset_peer_downstream","type":"reset_peer","stream":"downstream","toxicity":1},{"attributes":{"average_size":64,"size_variation":32,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1},{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1},{"attributes":{"loss_rate":0.5,"correlation":0},"name":"packet_loss_downstream","type":"packet_loss","stream":"downstream","toxicity":1},{"attributes":{"loss_rate":5,"correlation":1e-7},"name":"pl","type":"packet_loss","stream":"downstream","toxicity":1e-7}]
        > GET /proxies/p
        < 200 json {"name":"p","listen":"127.0.0.1:3340","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"latency":0,"jitter":0},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1},{"attributes":{"latency":100,"jitter":10},"name":"latency_UPSTREAM","type":"latency","stream":"UPSTREAM","toxicity":1},{"attributes":{"bytes":-1},"name":"limit_data_upstream","type":"limit_data","stream":"upstream","toxicity":1},{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"rate":100},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.2},{"attributes":{"delay":50},"name":"slow_close_downstream","type":"slow_close","stream":"downstream","toxicity":2},{"attributes":{"timeout":-5},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":-1},{"attributes":{"timeout":0},"name":"reset_peer_downstream","type":"reset_peer","stream":"downstream","toxicity":1},{"attributes":{"average_size":64,"size_variation":32,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1},{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1},{"attributes":{"loss_rate":0.5,"correlation":0},"name":"packet_loss_downstream","type":"packet_loss","stream":"downstream","toxicity":1},{"attributes":{"loss_rate":5,"correlation":1e-7},"name":"pl","type":"packet_loss","stream":"downstream","toxicity":1e-7}]}
        > GET /proxies/p/toxics/bw
        < 200 json {"attributes":{"rate":100},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.2}
        > GET /proxies/p/toxics/nope
        < 404 text {"error":"toxic not found","status":404}↵
        > GET /proxies/p/toxics/latency_UPSTREAM
        < 200 json {"attributes":{"latency":100,"jitter":10},"name":"latency_UPSTREAM","type":"latency","stream":"UPSTREAM","toxicity":1}
        > POST /proxies/p/toxics {"type":"latency","stream":"","name":"n"}
        < 400 text {"error":"stream was invalid, can be either upstream or downstream","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","stream":"sideways","name":"n"}
        < 400 text {"error":"stream was invalid, can be either upstream or downstream","status":400}↵
        > POST /proxies/p/toxics {"stream":"sideways","type":"bogus"}
        < 400 text {"error":"stream was invalid, can be either upstream or downstream","status":400}↵
        > POST /proxies/p/toxics {"type":"bogus","name":"n"}
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies/p/toxics {"type":"","name":"n"}
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies/p/toxics {"name":"n"}
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies/p/toxics {}
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies/p/toxics null
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies/p/toxics
        < 400 text {"error":"bad request body: EOF","status":400}↵
        > POST /proxies/p/toxics {"type":"Latency","name":"n"}
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"bw"}
        < 409 text {"error":"toxic already exists","status":409}↵
        > POST /proxies/p/toxics {"type":"latency","name":"bw","attributes":{"latency":"x"}}
        < 409 text {"error":"toxic already exists","status":409}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":{"latency":"x"}}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field LatencyToxic.attributes.latency of type int64","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":{"latency":1.5}}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 1.5 into Go struct field LatencyToxic.attributes.latency of type int64","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":{"latency":100.0}}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 100.0 into Go struct field LatencyToxic.attributes.latency of type int64","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":{"latency":1e3}}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 1e3 into Go struct field LatencyToxic.attributes.latency of type int64","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":{"latency":99999999999999999999}}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 99999999999999999999 into Go struct field LatencyToxic.attributes.latency of type int64","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":[]}
        < 400 text {"error":"bad request body: json: cannot unmarshal array into Go struct field ToxicWrapper.attributes of type toxics.NoopToxic","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":"x"}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field ToxicWrapper.attributes of type toxics.NoopToxic","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":5}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 5 into Go struct field ToxicWrapper.attributes of type toxics.NoopToxic","status":400}↵
        > POST /proxies/p/toxics {"type":"bogus","name":"n","attributes":5}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 5 into Go struct field ToxicWrapper.attributes of type toxics.NoopToxic","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","toxicity":"1"}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field ToxicWrapper.toxicity of type float32","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","toxicity":1e39}
        < 400 text {"error":"bad request body: json: cannot unmarshal number 1e39 into Go struct field ToxicWrapper.toxicity of type float32","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":1}
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go struct field ToxicWrapper.name of type string","status":400}↵
        > POST /proxies/p/toxics {"type":7}
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go struct field ToxicWrapper.type of type string","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","stream":3}
        < 400 text {"error":"bad request body: json: cannot unmarshal number into Go struct field ToxicWrapper.stream of type string","status":400}↵
        > POST /proxies/p/toxics []
        < 400 text {"error":"bad request body: json: cannot unmarshal array into Go value of type toxics.ToxicWrapper","status":400}↵
        > POST /proxies/p/toxics "latency"
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go value of type toxics.ToxicWrapper","status":400}↵
        > POST /proxies/p/toxics {"type":"latency"
        < 400 text {"error":"bad request body: unexpected EOF","status":400}↵
        > POST /proxies/p/toxics {"type":"bandwidth","name":"n","attributes":{"rate":-1}}
        < 400 text {"error":"invalid attribute: bandwidth rate must be at least 0, found '-1'","status":400}↵
        > POST /proxies/p/toxics {"type":"bandwidth","name":"n","attributes":{"rate":9223372036854775807}}
        < 400 text {"error":"invalid attribute: bandwidth rate must be at most 92233720368547758, found '9223372036854775807'","status":400}↵
        > POST /proxies/p/toxics {"type":"slicer","name":"n"}
        < 400 text {"error":"invalid attribute: slicer average_size must be at least 1, found '0'","status":400}↵
        > POST /proxies/p/toxics {"type":"slicer","name":"n","attributes":{"average_size":0}}
        < 400 text {"error":"invalid attribute: slicer average_size must be at least 1, found '0'","status":400}↵
        > POST /proxies/p/toxics {"type":"slicer","name":"n","attributes":{"average_size":10,"size_variation":10}}
        < 400 text {"error":"invalid attribute: slicer size_variation must be below average_size, 10, found '10'","status":400}↵
        > POST /proxies/p/toxics {"type":"slicer","name":"n","attributes":{"average_size":10,"size_variation":-1}}
        < 400 text {"error":"invalid attribute: slicer size_variation must be at least 0, found '-1'","status":400}↵
        > POST /proxies/p/toxics {"type":"slicer","name":"n","attributes":{"average_size":-10}}
        < 400 text {"error":"invalid attribute: slicer average_size must be at least 1, found '-10'","status":400}↵
        > POST /proxies/p/toxics {"type":"latency","name":"n","attributes":{"jitter":9223372036854775807}}
        < 400 text {"error":"invalid attribute: latency jitter must be at most 4611686018427387903, found '9223372036854775807'","status":400}↵
        > POST /proxies/p/toxics {"type":"bandwidth","name":"n","attributes":{"rate":1,"scope":"world"}}
        < 400 text {"error":"invalid attribute: bandwidth scope must be connection or proxy, found 'world'","status":400}↵
        > POST /proxies/p/toxics {"TYPE":"latency","NaMe":"folded","Stream":"downstream","ATTRIBUTES":{"LATENCY":7,"Jitter":3},"toxicity":0.1}
        < 200 json {"attributes":{"latency":7,"jitter":3},"name":"folded","type":"latency","stream":"downstream","toxicity":0.1}
        > POST /proxies/p/toxics {"type":"latency","name":"flat","latency":77}
        < 200 json {"attributes":{"latency":0,"jitter":0},"name":"flat","type":"latency","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"latency","name":"extreme","attributes":{"latency":-9223372036854775808,"jitter":-1}} tail
        < 200 json {"attributes":{"latency":-9223372036854775808,"jitter":-1},"name":"extreme","type":"latency","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"bandwidth","name":"shared","attributes":{"rate":5,"scope":"proxy"}}
        < 200 json {"attributes":{"rate":5,"scope":"proxy"},"name":"shared","type":"bandwidth","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics {"type":"slicer","name":"thin","attributes":{"average_size":10,"delay":-4}}
        < 200 json {"attributes":{"average_size":10,"size_variation":0,"delay":-4},"name":"thin","type":"slicer","stream":"downstream","toxicity":1}
        > POST /proxies/p/toxics/bw {"attributes":{"rate":200}}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.2}
        > PATCH /proxies/p/toxics/bw {"toxicity":0.5}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > PATCH /proxies/p/toxics/bw {"attributes":null,"toxicity":null}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > POST /proxies/p/toxics/bw {}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > PATCH /proxies/p/toxics/bw null
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > PATCH /proxies/p/toxics/bw {"attributes":{"rate":null}}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > POST /proxies/p/toxics/bw {"name":"x","type":"latency","stream":"upstream"}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > PATCH /proxies/p/toxics/bw {"attributes":{"rate":"x"},"toxicity":1}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field BandwidthToxic.attributes.rate of type int64","status":400}↵
        > PATCH /proxies/p/toxics/bw {"attributes":{"rate":-3},"toxicity":1}
        < 400 text {"error":"invalid attribute: bandwidth rate must be at least 0, found '-3'","status":400}↵
        > POST /proxies/p/toxics/bw {"toxicity":"1"}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field .toxicity of type float32","status":400}↵
        > PATCH /proxies/p/toxics/bw
        < 400 text {"error":"bad request body: EOF","status":400}↵
        > PATCH /proxies/p/toxics/bw {
        < 400 text {"error":"bad request body: unexpected EOF","status":400}↵
        > POST /proxies/p/toxics/bw []
        < 400 text {"error":"bad request body: json: cannot unmarshal array into Go value of type struct","status":400}↵
        > PATCH /proxies/p/toxics/bw {"attributes":[]}
        < 400 text {"error":"bad request body: json: cannot unmarshal array into Go value of type toxics.BandwidthToxic","status":400}↵
        > PATCH /proxies/p/toxics/bw {"rate":77}
        < 200 json {"attributes":{"rate":200},"name":"bw","type":"bandwidth","stream":"Downstream","toxicity":0.5}
        > POST /proxies/p/toxics/nope {}
        < 404 text {"error":"toxic not found","status":404}↵
        > PATCH /proxies/p/toxics/nope {
        < 404 text {"error":"toxic not found","status":404}↵
        > PATCH /proxies/p/toxics/latency_upstream {"attributes":{"jitter":4}}
        < 200 json {"attributes":{"latency":0,"jitter":4},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1}
        > POST /proxies/p/toxics/latency_upstream {"attributes":{"latency":9,"jitter":"x"}}
        < 400 text {"error":"bad request body: json: cannot unmarshal string into Go struct field LatencyToxic.attributes.jitter of type int64","status":400}↵
        > PATCH /proxies/p/toxics/latency_upstream {"attributes":{"LATENCY":11}}
        < 200 json {"attributes":{"latency":11,"jitter":4},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1}
        > PATCH /proxies/p/toxics/slicer_downstream {"attributes":{"average_size":0}}
        < 400 text {"error":"invalid attribute: slicer average_size must be at least 1, found '0'","status":400}↵
        > POST /proxies/p/toxics/slicer_downstream {"attributes":{"size_variation":63}}
        < 200 json {"attributes":{"average_size":64,"size_variation":63,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1}
        > PATCH /proxies/p/toxics/slicer_downstream {"attributes":{"size_variation":64}}
        < 400 text {"error":"invalid attribute: slicer size_variation must be below average_size, 64, found '64'","status":400}↵
        > PATCH /proxies/p/toxics/noop_downstream {"toxicity":3.4028234e38}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":3.4028235e+38}
        > POST /proxies/p/toxics/noop_downstream {"toxicity":1e21}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1e+21}
        > PATCH /proxies/p/toxics/noop_downstream {"toxicity":123456.789}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":123456.79}
        > PATCH /proxies/p/toxics/noop_downstream {"toxicity":0.000001}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":0.000001}
        > POST /proxies/p/toxics/noop_downstream {"toxicity":-0.0}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":-0}
        > PATCH /proxies/p/toxics/noop_downstream {"toxicity":0.3}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":0.3}
        > PATCH /proxies/p/toxics/noop_downstream {"toxicity":100}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":100}
        > GET /proxies/p/toxics/latency_upstream
        < 200 json {"attributes":{"latency":11,"jitter":4},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1}
        > DELETE /proxies/p/toxics/bw
        < 204 -
        > DELETE /proxies/p/toxics/bw
        < 404 text {"error":"toxic not found","status":404}↵
        > DELETE /proxies/nope/toxics/bw
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/nope/toxics
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /proxies/nope/toxics {
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/nope/toxics/x
        < 404 text {"error":"proxy not found","status":404}↵
        > PATCH /proxies/nope/toxics/x {
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /proxies/p/toxics {"type":"bandwidth","name":"bw"}
        < 200 json {"attributes":{"rate":0},"name":"bw","type":"bandwidth","stream":"downstream","toxicity":1}
        > GET /proxies/p/toxics
        < 200 json [{"attributes":{"latency":11,"jitter":4},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1},{"attributes":{"latency":100,"jitter":10},"name":"latency_UPSTREAM","type":"latency","stream":"UPSTREAM","toxicity":1},{"attributes":{"bytes":-1},"name":"limit_data_upstream","type":"limit_data","stream":"upstream","toxicity":1},{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"delay":50},"name":"slow_close_downstream","type":"slow_close","stream":"downstream","toxicity":2},{"attributes":{"timeout":-5},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":-1},{"attributes":{"timeout":0},"name":"reset_peer_downstream","type":"reset_peer","stream":"downstream","toxicity":1},{"attributes":{"average_size":64,"size_variation":63,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1},{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":100},{"attributes":{"loss_rate":0.5,"correlation":0},"name":"packet_loss_downstream","type":"packet_loss","stream":"downstream","toxicity":1},{"attributes":{"loss_rate":5,"correlation":1e-7},"name":"pl","type":"packet_loss","stream":"downstream","toxicity":1e-7},{"attributes":{"latency":7,"jitter":3},"name":"folded","type":"latency","stream":"downstream","toxicity":0.1},{"attributes":{"latency":0,"jitter":0},"name":"flat","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"latency":-9223372036854775808,"jitter":-1},"name":"extreme","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"rate":5,"scope":"proxy"},"name":"shared","type":"bandwidth","stream":"downstream","toxicity":1},{"attributes":{"average_size":10,"size_variation":0,"delay":-4},"name":"thin","type":"slicer","stream":"downstream","toxicity":1},{"attributes":{"rate":0},"name":"bw","type":"bandwidth","stream":"downstream","toxicity":1}]
        > PATCH /proxies/p {"enabled":false}
        < 200 json {"name":"p","listen":"127.0.0.1:3340","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{"latency":11,"jitter":4},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1},{"attributes":{"latency":100,"jitter":10},"name":"latency_UPSTREAM","type":"latency","stream":"UPSTREAM","toxicity":1},{"attributes":{"bytes":-1},"name":"limit_data_upstream","type":"limit_data","stream":"upstream","toxicity":1},{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"delay":50},"name":"slow_close_downstream","type":"slow_close","stream":"downstream","toxicity":2},{"attributes":{"timeout":-5},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":-1},{"attributes":{"timeout":0},"name":"reset_peer_downstream","type":"reset_peer","stream":"downstream","toxicity":1},{"attributes":{"average_size":64,"size_variation":63,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1},{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":100},{"attributes":{"loss_rate":0.5,"correlation":0},"name":"packet_loss_downstream","type":"packet_loss","stream":"downstream","toxicity":1},{"attributes":{"loss_rate":5,"correlation":1e-7},"name":"pl","type":"packet_loss","stream":"downstream","toxicity":1e-7},{"attributes":{"latency":7,"jitter":3},"name":"folded","type":"latency","stream":"downstream","toxicity":0.1},{"attributes":{"latency":0,"jitter":0},"name":"flat","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"latency":-9223372036854775808,"jitter":-1},"name":"extreme","type":"latency","stream":"downstream","toxicity":1},{"attributes":{"rate":5,"scope":"proxy"},"name":"shared","type":"bandwidth","stream":"downstream","toxicity":1},{"attributes":{"average_size":10,"size_variation":0,"delay":-4},"name":"thin","type":"slicer","stream":"downstream","toxicity":1},{"attributes":{"rate":0},"name":"bw","type":"bandwidth","stream":"downstream","toxicity":1}]}
        > POST /proxies/p/toxics {"type":"noop","name":"while off"}
        < 200 json {"attributes":{},"name":"while off","type":"noop","stream":"downstream","toxicity":1}
        > GET /proxies/p/toxics/while%20off
        < 200 json {"attributes":{},"name":"while off","type":"noop","stream":"downstream","toxicity":1}
        > POST /reset this body is ignored
        < 204 -
        > GET /proxies
        < 200 json {"p":{"name":"p","listen":"127.0.0.1:3340","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}}
        """#

    static let populating = #"""
        > POST /populate []
        < 201 json {"proxies":[]}
        > POST /populate null
        < 201 json {"proxies":[]}
        > POST /populate
        < 400 json {"error":"bad request body: EOF","status":400,"proxies":null}
        > POST /populate {}
        < 400 json {"error":"bad request body: json: cannot unmarshal object into Go value of type []toxiproxy.Proxy","status":400,"proxies":null}
        > POST /populate [{}]
        < 400 json {"error":"missing required field: name at proxy 1","status":400,"proxies":null}
        > POST /populate [null]
        < 400 json {"error":"missing required field: name at proxy 1","status":400,"proxies":null}
        > POST /populate [1]
        < 400 json {"error":"bad request body: json: cannot unmarshal number into Go value of type toxiproxy.Proxy","status":400,"proxies":null}
        > POST /populate [{"name":"a"},
        < 400 json {"error":"bad request body: unexpected EOF","status":400,"proxies":null}
        > POST /populate [{"name":"a","upstream":"u:1","enabled":"x"}]
        < 400 json {"error":"bad request body: json: cannot unmarshal string into Go struct field Proxy.enabled of type bool","status":400,"proxies":null}
        > POST /populate [{"name":"a","upstream":"u:1","listen":"localhost:3350"},{"upstream":"u:1"}]
        < 400 json {"error":"missing required field: name at proxy 2","status":400,"proxies":null}
        > POST /populate [{"name":"a","upstream":"u:1","listen":"localhost:3350"},{"name":"b"}]
        < 400 json {"error":"missing required field: upstream at proxy 2","status":400,"proxies":null}
        > GET /proxies
        < 200 json {}
        > POST /populate [{"name":"a","upstream":"u:1","listen":"localhost:3350"},{"name":"b","upstream":"u:2","listen":"localhost:3351","enabled":false},{"name":"c","upstream":"u:3","listen":"localhost:0","enabled":null}]
        < 201 json {"proxies":[{"name":"a","listen":"127.0.0.1:3350","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},{"name":"b","listen":"localhost:3351","upstream":"u:2","enabled":false,"Logger":{},"toxics":[]},{"name":"c","listen":"127.0.0.1:40001","upstream":"u:3","enabled":true,"Logger":{},"toxics":[]}]}
        > POST /proxies/a/toxics {"type":"noop"}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}
        > POST /proxies/b/toxics {"type":"noop"}
        < 200 json {"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}
        > POST /populate [{"name":"a","upstream":"u:1","listen":"127.0.0.1:3350"}]
        < 201 json {"proxies":[{"name":"a","listen":"127.0.0.1:3350","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}]}]}
        > POST /populate [{"name":"a","upstream":"u:1","listen":"127.0.0.1:3350","enabled":false}]
        < 201 json {"proxies":[{"name":"a","listen":"127.0.0.1:3350","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}]}]}
        > PATCH /proxies/a {"enabled":false}
        < 200 json {"name":"a","listen":"127.0.0.1:3350","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}]}
        > POST /populate [{"name":"a","upstream":"u:1","listen":"127.0.0.1:3350","enabled":true}]
        < 201 json {"proxies":[{"name":"a","listen":"127.0.0.1:3350","upstream":"u:1","enabled":false,"Logger":{},"toxics":[{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}]}]}
        > POST /populate [{"name":"a","upstream":"u:9","listen":"127.0.0.1:3350"}]
        < 201 json {"proxies":[{"name":"a","listen":"127.0.0.1:3350","upstream":"u:9","enabled":true,"Logger":{},"toxics":[]}]}
        > POST /populate [{"name":"d","upstream":"u:1","listen":"127.0.0.1:3352"},{"name":"e","upstream":"u:1","listen":"127.0.0.1:6666"},{"name":"f","upstream":"u:1"}]
        < 500 json {"error":"listen tcp 127.0.0.1:6666: bind: address already in use","status":500,"proxies":[{"name":"d","listen":"127.0.0.1:3352","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}]}
        > GET /proxies/d
        < 200 json {"name":"d","listen":"127.0.0.1:3352","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > GET /proxies/e
        < 404 text {"error":"proxy not found","status":404}↵
        > GET /proxies/f
        < 404 text {"error":"proxy not found","status":404}↵
        > POST /populate [{"name":"d","upstream":"u:1","listen":"127.0.0.1:6666"}]
        < 500 json {"error":"listen tcp 127.0.0.1:6666: bind: address already in use","status":500,"proxies":null}
        > GET /proxies/d
        < 200 json {"name":"d","listen":"127.0.0.1:3352","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}
        > POST /populate [{"name":"g","upstream":"u:1","listen":"local373"}]
        < 500 json {"error":"listen tcp: address local373: missing port in address","status":500,"proxies":null}
        > POST /populate [{"name":"h","upstream":"u:1","listen":"127.0.0.1:3353"},{"name":"h","upstream":"u:2","listen":"127.0.0.1:3354"}]
        < 201 json {"proxies":[{"name":"h","listen":"127.0.0.1:3353","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},{"name":"h","listen":"127.0.0.1:3354","upstream":"u:2","enabled":true,"Logger":{},"toxics":[]}]}
        > GET /proxies/h
        < 200 json {"name":"h","listen":"127.0.0.1:3354","upstream":"u:2","enabled":true,"Logger":{},"toxics":[]}
        > POST /populate [{"name":"t","upstream":"u:1","listen":"127.0.0.1:3355","toxics":[{"type":"latency","attributes":{"latency":9}},{"type":"noop","stream":"upstream"}]}] x
        < 201 json {"proxies":[{"name":"t","listen":"127.0.0.1:3355","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{},"name":"noop_upstream","type":"noop","stream":"upstream","toxicity":1},{"attributes":{"latency":9,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}]}]}
        > POST /populate [{"name":"t2","upstream":"u:1","listen":"127.0.0.1:3356","toxics":[]},{"name":"t3","upstream":"u:1","listen":"127.0.0.1:3357","toxics":null},{"name":"t4","upstream":"u:1","listen":"127.0.0.1:3358","toxics":"ignored"}]
        < 201 json {"proxies":[{"name":"t2","listen":"127.0.0.1:3356","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},{"name":"t3","listen":"127.0.0.1:3357","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},{"name":"t4","listen":"127.0.0.1:3358","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]}]}
        > POST /proxies {"name":"t5","upstream":"u:1","listen":"127.0.0.1:3359","toxics":[{"type":"timeout","attributes":{"timeout":9}}]}
        < 201 json {"name":"t5","listen":"127.0.0.1:3359","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"timeout":9},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":1}]}
        > POST /proxies {"name":"t6","upstream":"u:1","listen":"127.0.0.1:3360","toxics":[{"type":"bogus"}]}
        < 400 text {"error":"invalid toxic type","status":400}↵
        > POST /proxies {"name":"t6","upstream":"u:1","listen":"127.0.0.1:3360","toxics":[{"type":"noop"},{"type":"noop"}]}
        < 409 text {"error":"toxic already exists","status":409}↵
        > GET /proxies/t6
        < 404 text {"error":"proxy not found","status":404}↵
        > PATCH /proxies/t5 {"toxics":[]}
        < 200 json {"name":"t5","listen":"127.0.0.1:3359","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"timeout":9},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":1}]}
        > DELETE /proxies/t
        < 204 -
        > GET /proxies
        < 200 json {"a":{"name":"a","listen":"127.0.0.1:3350","upstream":"u:9","enabled":true,"Logger":{},"toxics":[]},"b":{"name":"b","listen":"localhost:3351","upstream":"u:2","enabled":false,"Logger":{},"toxics":[{"attributes":{},"name":"noop_downstream","type":"noop","stream":"downstream","toxicity":1}]},"c":{"name":"c","listen":"127.0.0.1:40001","upstream":"u:3","enabled":true,"Logger":{},"toxics":[]},"d":{"name":"d","listen":"127.0.0.1:3352","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"h":{"name":"h","listen":"127.0.0.1:3354","upstream":"u:2","enabled":true,"Logger":{},"toxics":[]},"t2":{"name":"t2","listen":"127.0.0.1:3356","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"t3":{"name":"t3","listen":"127.0.0.1:3357","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"t4":{"name":"t4","listen":"127.0.0.1:3358","upstream":"u:1","enabled":true,"Logger":{},"toxics":[]},"t5":{"name":"t5","listen":"127.0.0.1:3359","upstream":"u:1","enabled":true,"Logger":{},"toxics":[{"attributes":{"timeout":9},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":1}]}}
        """#
}
