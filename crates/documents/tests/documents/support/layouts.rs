//! The layouts.

use super::{
    Sample,
    office::{self, bold, docx, heading, item, p, styled, table, text_box, xml},
    pdf::{self, Page},
    people::{CAMILLE, HENRIKE, IMANI, Job, NAOKI, Person, TOBIAS},
};

pub fn all() -> Vec<Sample> {
    let sample =
        |name: &str, person: &Person, bytes: Vec<u8>| Sample { name: name.to_owned(), bytes, gold: person.gold() };
    vec![
        sample("docx-headings.docx", &TOBIAS, docx_headings(&TOBIAS)),
        sample("docx-date-table.docx", &HENRIKE, docx_date_table(&HENRIKE)),
        sample("docx-text-box.docx", &CAMILLE, docx_text_box(&CAMILLE)),
        sample("docx-column-table.docx", &IMANI, docx_column_table(&IMANI)),
        sample("odt-lists.odt", &NAOKI, odt_lists(&NAOKI)),
        sample("odt-table.odt", &HENRIKE, odt_table(&HENRIKE)),
        sample("pdf-single.pdf", &IMANI, pdf_single(&IMANI)),
        sample("pdf-left-sidebar.pdf", &TOBIAS, pdf_sidebar(&TOBIAS, true)),
        sample("pdf-right-sidebar.pdf", &CAMILLE, pdf_sidebar(&CAMILLE, false)),
        sample("pdf-dates-left.pdf", &HENRIKE, pdf_dates_left(&HENRIKE)),
        sample("pdf-two-pages.pdf", &NAOKI, pdf_two_pages(&NAOKI)),
        sample("pdf-brackets.pdf", &TOBIAS, pdf_brackets(&TOBIAS)),
        sample("pdf-sidebar-de.pdf", &HENRIKE, pdf_sidebar(&HENRIKE, true)),
        sample("resume.json", &NAOKI, json(&NAOKI)),
        sample("linkedin.zip", &IMANI, linkedin(&IMANI)),
    ]
}

fn contact_line(person: &Person) -> String {
    format!("{} | {} | {}", person.email, person.phone, person.place)
}

fn docx_headings(person: &Person) -> Vec<u8> {
    let mut body =
        styled("<w:pStyle w:val=\"Title\"/>", "", person.name) + &p(person.headline) + &p(&contact_line(person));
    body += &(heading(person.heads.summary) + &p(person.summary) + &heading(person.heads.work));
    for job in person.jobs {
        body += &bold(&format!("{}\t{}", job.title, job.dates));
        body += &p(&format!("{}, {}", job.employer, job.place));
        body += &job.bullets.iter().map(|bullet| item(bullet)).collect::<String>();
    }
    body += &docx_rest(person);
    docx(&body, None)
}

fn docx_rest(person: &Person) -> String {
    let (from, to) = person.school_years;
    let languages: Vec<String> = person.languages.iter().map(|(name, level)| format!("{name} ({level})")).collect();
    heading(person.heads.education)
        + &p(&format!("{}, {}, {from} – {to}", person.degree, person.school))
        + &heading(person.heads.skills)
        + &p(&person.skills.join(", "))
        + &heading(person.heads.languages)
        + &p(&languages.join(", "))
}

fn docx_date_table(person: &Person) -> Vec<u8> {
    let rows: Vec<Vec<String>> = person
        .jobs
        .iter()
        .map(|job| {
            let bullets: String = job.bullets.iter().map(|bullet| item(bullet)).collect();
            vec![p(job.dates), bold(job.title) + &p(&format!("{}, {}", job.employer, job.place)) + &bullets]
        })
        .collect();
    let body =
        bold(person.name) + &p(&contact_line(person)) + &bold(person.heads.work) + &table(&rows) + &docx_rest(person);
    docx(&body, None)
}

fn docx_text_box(person: &Person) -> Vec<u8> {
    let side = bold(person.heads.contact)
        + &p(person.email)
        + &p(person.phone)
        + &p(person.place)
        + &bold(person.heads.skills)
        + &person.skills.iter().map(|skill| p(skill)).collect::<String>();
    let mut body = text_box(&side) + &bold(person.heads.summary) + &p(person.summary) + &bold(person.heads.work);
    for job in person.jobs {
        body += &bold(job.employer);
        body += &p(&format!("{}\t{}", job.title, job.dates));
        body += &job.bullets.iter().map(|bullet| p(&format!("• {bullet}"))).collect::<String>();
    }
    body += &(bold(person.heads.education) + &p(&format!("{}, {}", person.degree, person.school)));
    docx(&body, Some(&styled("", "<w:sz w:val=\"40\"/>", person.name)))
}

fn docx_column_table(person: &Person) -> Vec<u8> {
    let side = bold(person.name)
        + &p(person.headline)
        + &p(person.email)
        + &p(person.phone)
        + &p(person.place)
        + &bold(person.heads.skills)
        + &person.skills.iter().map(|skill| item(skill)).collect::<String>();
    let mut main = bold(person.heads.summary) + &p(person.summary) + &bold(person.heads.work);
    for job in person.jobs {
        main += &bold(&format!("{} at {}", job.title, job.employer));
        main += &p(&format!("{} | {}", job.dates, job.place));
        main += &job.bullets.iter().map(|bullet| item(bullet)).collect::<String>();
    }
    docx(&table(&[vec![side, main]]), None)
}

fn odt_p(text: &str) -> String {
    format!("<text:p>{}</text:p>", xml(text).replace('\t', "<text:tab/>"))
}

fn odt_h(text: &str) -> String {
    format!("<text:h text:outline-level=\"1\">{}</text:h>", xml(text))
}

fn odt_list(items: &[&str]) -> String {
    let item = |text: &&str| format!("<text:list-item>{}</text:list-item>", odt_p(text));
    format!("<text:list>{}</text:list>", items.iter().map(item).collect::<String>())
}

fn odt_lists(person: &Person) -> Vec<u8> {
    let mut body = odt_p(person.name)
        + &odt_p(person.headline)
        + &odt_p(&contact_line(person))
        + &odt_h(person.heads.summary)
        + &odt_p(person.summary)
        + &odt_h(person.heads.work);
    for job in person.jobs {
        body += &odt_p(&format!("{}\t{}", job.employer, job.place));
        body += &odt_p(&format!("{}\t{}", job.title, job.dates));
        body += &odt_list(job.bullets);
    }
    let (from, to) = person.school_years;
    body += &(odt_h(person.heads.education) + &odt_p(&format!("{}, {}, {from} – {to}", person.degree, person.school)));
    body += &(odt_h(person.heads.skills) + &odt_list(person.skills));
    office::odt(&body)
}

fn odt_table(person: &Person) -> Vec<u8> {
    let cell = |text: String| format!("<table:table-cell>{text}</table:table-cell>");
    let row = |job: &Job| {
        let main = odt_p(&format!("{}, {}, {}", job.title, job.employer, job.place)) + &odt_list(job.bullets);
        format!("<table:table-row>{}{}</table:table-row>", cell(odt_p(job.dates)), cell(main))
    };
    let rows: String = person.jobs.iter().map(row).collect();
    let side = format!(
        "<text:p><draw:frame><draw:text-box>{}{}{}</draw:text-box></draw:frame></text:p>",
        odt_p(person.email),
        odt_p(person.phone),
        odt_p(person.place)
    );
    let body = odt_p(person.name)
        + &side
        + &odt_h(person.heads.work)
        + &format!("<table:table>{rows}</table:table>")
        + &odt_h(person.heads.skills)
        + &odt_p(&person.skills.join(", "));
    office::odt(&body)
}

fn pdf_single(person: &Person) -> Vec<u8> {
    let mut page = Page::new();
    let mut y = 60.0;
    page.text(50.0, y, 22.0, true, person.name);
    y += 18.0;
    page.text(50.0, y, 10.0, false, &contact_line(person));
    y += 30.0;
    page.text(50.0, y, 13.0, true, person.heads.summary);
    y += 16.0;
    page.words(50.0, y, 10.0, person.summary);
    y += 28.0;
    page.text(50.0, y, 13.0, true, person.heads.work);
    for job in person.jobs {
        y += 20.0;
        page.text(50.0, y, 10.0, true, job.title);
        page.right(545.0, y, 10.0, false, job.dates);
        y += 13.0;
        page.text(50.0, y, 10.0, false, job.employer);
        page.right(545.0, y, 10.0, false, job.place);
        for bullet in job.bullets {
            y += 13.0;
            page.text(60.0, y, 10.0, false, "•");
            page.words(72.0, y, 10.0, bullet);
        }
    }
    y += 28.0;
    page.text(50.0, y, 13.0, true, person.heads.education);
    y += 16.0;
    page.text(50.0, y, 10.0, true, person.degree);
    page.right(545.0, y, 10.0, false, &format!("{} – {}", person.school_years.0, person.school_years.1));
    y += 13.0;
    page.text(50.0, y, 10.0, false, person.school);
    y += 28.0;
    page.text(50.0, y, 13.0, true, person.heads.skills);
    y += 16.0;
    page.text(50.0, y, 10.0, false, &person.skills.join(", "));
    pdf::file(&[page])
}

fn pdf_sidebar(person: &Person, left: bool) -> Vec<u8> {
    let (side, main) = if left { (40.0, 220.0) } else { (420.0, 40.0) };
    let mut page = Page::new();
    page.text(main, 60.0, 24.0, true, person.name);
    page.text(main, 80.0, 12.0, false, person.headline);
    let mut y = 118.0;
    page.text(side, y, 12.0, true, person.heads.contact);
    for line in [person.email, person.phone, person.place] {
        y += 14.0;
        page.text(side, y, 8.5, false, line);
    }
    y += 27.0;
    page.text(side, y, 12.0, true, person.heads.skills);
    for skill in person.skills {
        y += 14.0;
        page.text(side, y, 9.0, false, skill);
    }
    y += 27.0;
    page.text(side, y, 12.0, true, person.heads.languages);
    for (language, level) in person.languages {
        y += 14.0;
        page.text(side, y, 9.0, false, &format!("{language} – {level}"));
    }
    let mut y = 120.0;
    page.text(main, y, 12.0, true, person.heads.summary);
    for line in wrapped(person.summary, 60) {
        y += 12.0;
        page.words(main, y, 9.5, &line);
    }
    y += 25.0;
    page.text(main, y, 12.0, true, person.heads.work);
    for job in person.jobs {
        y += 18.0;
        page.text(main, y, 10.5, true, job.title);
        y += 12.0;
        page.text(main, y, 9.5, false, &format!("{}, {}", job.employer, job.place));
        y += 12.0;
        page.text(main, y, 9.0, false, job.dates);
        for bullet in job.bullets {
            for (index, line) in wrapped(bullet, 56).iter().enumerate() {
                y += 12.0;
                if index == 0 {
                    page.text(main, y, 9.5, false, "•");
                }
                page.words(main + 10.0, y, 9.5, line);
            }
        }
    }
    y += 25.0;
    page.text(main, y, 12.0, true, person.heads.education);
    y += 14.0;
    page.text(main, y, 9.5, false, &format!("{}, {}", person.degree, person.school));
    y += 12.0;
    page.text(main, y, 9.0, false, &format!("{} – {}", person.school_years.0, person.school_years.1));
    pdf::file(&[page])
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().unwrap();
        if last.len() + word.len() > width {
            lines.push(word.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
    }
    lines
}

fn pdf_dates_left(person: &Person) -> Vec<u8> {
    let mut page = Page::new();
    page.text(60.0, 70.0, 20.0, false, person.name);
    for (index, line) in [person.place, person.phone, person.email].iter().enumerate() {
        page.text(60.0, 90.0 + index as f32 * 13.0, 10.0, false, line);
    }
    let mut y = 150.0;
    page.text(60.0, y, 13.0, true, person.heads.work);
    for job in person.jobs {
        y += 20.0;
        page.text(60.0, y, 10.0, false, job.dates);
        page.text(190.0, y, 10.0, true, job.title);
        y += 13.0;
        page.text(190.0, y, 10.0, false, &format!("{}, {}", job.employer, job.place));
        for bullet in job.bullets {
            y += 13.0;
            page.words(190.0, y, 10.0, &format!("• {bullet}"));
        }
    }
    y += 30.0;
    page.text(60.0, y, 13.0, true, person.heads.education);
    y += 18.0;
    page.text(60.0, y, 10.0, false, &format!("{} – {}", person.school_years.0, person.school_years.1));
    page.text(190.0, y, 10.0, true, person.degree);
    y += 13.0;
    page.text(190.0, y, 10.0, false, person.school);
    y += 30.0;
    page.text(60.0, y, 13.0, true, person.heads.skills);
    y += 18.0;
    page.text(60.0, y, 10.0, false, &person.skills.join(", "));
    pdf::file(&[page])
}

fn pdf_two_pages(person: &Person) -> Vec<u8> {
    let mut first = Page::new();
    let mut second = Page::new();
    let spaced = |text: &str| text.to_uppercase().chars().map(String::from).collect::<Vec<_>>().join(" ");
    first.text(200.0, 60.0, 18.0, true, person.name);
    first.text(150.0, 80.0, 9.0, false, &format!("{}  ·  {}  ·  {}", person.email, person.phone, person.place));
    first.text(50.0, 120.0, 11.0, true, &spaced("Summary"));
    first.words(50.0, 136.0, 10.0, person.summary);
    first.text(50.0, 170.0, 11.0, true, &spaced("Experience"));
    let mut y = 170.0;
    for (index, job) in person.jobs.iter().enumerate() {
        let page = if index < 2 { &mut first } else { &mut second };
        y = if index == 2 { 60.0 } else { y + 22.0 };
        page.text(50.0, y, 10.0, true, &format!("{} — {}", job.employer, job.place));
        y += 13.0;
        page.text(50.0, y, 10.0, false, &format!("{}, {}", job.title, job.dates));
        for bullet in job.bullets {
            y += 13.0;
            page.words(50.0, y, 10.0, &format!("- {bullet}"));
        }
    }
    y += 30.0;
    second.text(50.0, y, 11.0, true, &spaced("Education"));
    y += 16.0;
    second.text(50.0, y, 10.0, false, &format!("{}, {}", person.degree, person.school));
    pdf::file(&[first, second])
}

fn pdf_brackets(person: &Person) -> Vec<u8> {
    let mut page = Page::new();
    page.text(50.0, 60.0, 26.0, false, person.name);
    page.text(50.0, 84.0, 10.0, false, &format!("{}   {}   {}", person.phone, person.email, person.link));
    let mut y = 120.0;
    page.text(50.0, y, 12.0, true, "EXPERIENCE");
    for job in person.jobs {
        y += 22.0;
        page.text(50.0, y, 10.0, true, &format!("{}, {} ({})", job.title, job.employer, job.dates));
        for bullet in job.bullets {
            y += 13.0;
            page.words(62.0, y, 10.0, bullet);
        }
    }
    y += 30.0;
    page.text(50.0, y, 12.0, true, "SKILLS");
    y += 16.0;
    page.text(50.0, y, 10.0, false, &person.skills.join("  •  "));
    pdf::file(&[page])
}

fn json(person: &Person) -> Vec<u8> {
    let work: Vec<serde_json::Value> = person
        .jobs
        .iter()
        .map(|job| {
            let mut entry = serde_json::json!({"name": job.employer, "position": job.title, "startDate": format!("{}-01", job.start),
                "highlights": job.bullets, "url": "https://employer.example"});
            if job.end != "present" {
                entry["endDate"] = format!("{}-28", job.end).into();
            }
            entry
        })
        .collect();
    let resume = serde_json::json!({
        "basics": {"name": person.name, "label": person.headline, "email": person.email, "phone": person.phone,
            "summary": person.summary, "location": {"city": "Sydney", "countryCode": "AU"},
            "profiles": [{"network": "GitHub", "username": "x", "url": person.link}]},
        "work": work,
        "skills": [{"name": "Tools", "level": "Master", "keywords": person.skills}],
        "projects": [{"name": "A project", "highlights": ["One"]}],
    });
    serde_json::to_vec_pretty(&resume).unwrap()
}

fn linkedin(person: &Person) -> Vec<u8> {
    let (first, last) = person.name.split_once(' ').unwrap();
    let month = |text: &str| {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        text.split_once('-')
            .map_or(String::new(), |(year, month)| format!("{} {year}", names[month.parse::<usize>().unwrap() - 1]))
    };
    let profile = format!(
        "First Name,Last Name,Maiden Name,Address,Birth Date,Headline,Summary,Industry,Zip Code,Geo Location,Twitter Handles,Websites,Instant Messengers\n\
         {first},{last},,,,{},\"{}\",,,\"{}\",,[PORTFOLIO:{}],\n",
        person.headline, person.summary, person.place, person.link
    );
    let mut positions = "Company Name,Title,Description,Location,Started On,Finished On\n".to_owned();
    for job in person.jobs {
        positions += &format!(
            "{},\"{}\",\"{}\",\"{}\",{},{}\n",
            job.employer,
            job.title,
            job.bullets.join("\n"),
            job.place,
            month(job.start),
            month(job.end)
        );
    }
    let skills = format!("Name\n{}\n", person.skills.join("\n"));
    office::archive(&[
        ("Basic_LinkedInDataExport/Profile.csv", &profile),
        ("Basic_LinkedInDataExport/Positions.csv", &positions),
        ("Basic_LinkedInDataExport/Skills.csv", &skills),
        (
            "Basic_LinkedInDataExport/Email Addresses.csv",
            &format!("Email Address,Confirmed,Primary,Updated On\n{},Yes,Yes,\n", person.email),
        ),
        ("Basic_LinkedInDataExport/PhoneNumbers.csv", &format!("Extension,Number,Type\n,{},Mobile\n", person.phone)),
    ])
}
