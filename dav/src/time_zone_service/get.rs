//! The definition of one zone (RFC 7808 §5.3).

use calendar::Format;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{definition, parameters::Parameters, problem::Problem};
use crate::{answer, representation, service::Response};

/// The definition in the format that the client likes best, and which that is.
pub(super) fn get(
    name: &str,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<(Response, Format), Problem> {
    let wanted = parameters.truncation()?;
    let stream = definition(name, wanted).ok_or_else(Problem::zone_not_found)?;
    let format = representation::wanted(headers)
        .map_err(|_| Problem::format(&Format::ALL.map(Format::media_type).join(", ")))?;
    let mut response = answer::content(StatusCode::OK, "", format.print(&stream));
    let headers = response.headers_mut();
    let media_type = representation::media_type(format);
    answer::insert(headers, header::CONTENT_TYPE, &media_type);
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok((response, format))
}
