//! The paths of hubs and provisioning services as their clients spell them: literal segments in any case, one slash at the
//! end, and a method that a header overrides. The routers know the documented spelling only.

use axum::http::uri::PathAndQuery;
use axum::http::{Method, Request, Uri};

use super::hosts::Site;
use super::{dps, hub};

/// Gives a request the documented path and the method that is meant. Ids stay exactly as they are.
pub fn normalise<B>(site: Site, request: &mut Request<B>) {
    let templates = match site {
        Site::Hub => hub::PATHS,
        Site::DpsService => dps::SERVICE_PATHS,
        Site::DpsDevice => dps::DEVICE_PATHS,
        Site::Entra | Site::Arm | Site::Central => return,
    };
    if let Some(method) = overriding_method(request) {
        *request.method_mut() = method;
    }
    let path = documented(templates, request.method(), request.uri().path());
    if let Some(uri) = path.and_then(|path| with_path(request.uri(), &path)) {
        *request.uri_mut() = uri;
    }
}

/// Java's HTTP client cannot send PATCH, so its SDK sends POST and says what it means.
fn overriding_method<B>(request: &Request<B>) -> Option<Method> {
    if request.method() != Method::POST {
        return None;
    }
    request.headers().get("x-http-method-override")?.to_str().ok()?.to_ascii_uppercase().parse().ok()
}

/// The path with the literal segments of the first template that fits. A template may begin with the only method that it
/// is for, so that a device may have the name of an operation.
fn documented(templates: &[&str], method: &Method, path: &str) -> Option<String> {
    let given: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    templates.iter().find_map(|template| {
        let (only, template) = template.split_once(' ').unwrap_or(("", template));
        let segments: Vec<&str> = template.split('/').collect();
        let is_id = |segment: &str| segment.starts_with('{');
        let fits = |(segment, given): (&&str, &&str)| {
            if is_id(segment) { !given.is_empty() } else { segment.eq_ignore_ascii_case(given) }
        };
        let matches = (only.is_empty() || only == method.as_str())
            && segments.len() == given.len()
            && segments.iter().zip(&given).all(fits);
        let choose = |(segment, given)| if is_id(segment) { given } else { segment };
        matches.then(|| segments.into_iter().zip(given.iter().copied()).map(choose).collect::<Vec<_>>().join("/"))
    })
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(site: Site, method: &str, uri: &str, overridden: Option<&str>) -> (String, String) {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(meant) = overridden {
            request = request.header("x-http-method-override", meant);
        }
        let mut request = request.body(()).unwrap();
        normalise(site, &mut request);
        (request.method().to_string(), request.uri().to_string())
    }

    fn path(site: Site, method: &str, uri: &str) -> String {
        sent(site, method, uri, None).1
    }

    #[test]
    fn literal_segments_are_taken_in_any_case_and_with_one_slash_at_the_end() {
        assert_eq!(path(Site::Hub, "GET", "/Devices/?api-version=1"), "/devices?api-version=1");
        assert_eq!(path(Site::Hub, "POST", "/devices/Query"), "/devices/query");
        assert_eq!(path(Site::DpsService, "POST", "/enrollments/?v=1"), "/enrollments?v=1");
        assert_eq!(
            path(Site::DpsService, "POST", "/enrollmentgroups/My-Group/attestationmechanism"),
            "/enrollmentGroups/My-Group/attestationmechanism"
        );
    }

    #[test]
    fn ids_stay_as_they_are_even_if_they_are_spelled_like_an_operation() {
        assert_eq!(path(Site::Hub, "GET", "/DEVICES/Query"), "/devices/Query");
        assert_eq!(path(Site::Hub, "GET", "/twins/A%23b/"), "/twins/A%23b");
        assert_eq!(path(Site::Hub, "GET", "/devices//"), "/devices//");
    }

    #[test]
    fn a_post_may_say_that_it_means_patch() {
        let (method, path) = sent(Site::Hub, "POST", "/twins/a", Some("patch"));
        assert_eq!((method.as_str(), path.as_str()), ("PATCH", "/twins/a"));
        assert_eq!(sent(Site::Hub, "GET", "/twins/a", Some("DELETE")).0, "GET");
    }
}
